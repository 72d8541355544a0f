"""The claims about the images: C01 to C07 and C13. Their rules and sentences are in `claims.toml`."""

from itertools import combinations
from typing import Any

import numpy as np

from helpers.claims.findings import Assessment, Findings, Verdict
from helpers.data import CLASS_NAMES
from helpers.evaluation import correlation_interval
from helpers.features import COLOURS, blue_residual
from helpers.notation import counted


def size(f: Findings) -> Assessment:
    """Count the images, the classes and the exact copies (C01)."""
    n, classes = len(f.study.cells), len(np.unique(np.asarray(f.study.cells.labels)))
    copies = n - len(set(f.study.split.pixel_sha256))
    values = {"n": n, "classes": classes, "copies": copies}
    if n >= (f.study.profile.largest_sample or np.inf):
        return values, Verdict.UNDECIDED
    if (n, classes) != (15_092, 8):
        return values, Verdict.NOT_CONFIRMED
    return values, Verdict.RESERVED if copies else Verdict.CONFIRMED


def frequencies(f: Findings) -> Assessment:
    """Rank the classes by their number of images (C02)."""
    counts = np.bincount(np.asarray(f.study.cells.labels), minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    order = np.argsort(-counts, kind="stable")
    values = {"shown": [counted(counts[label], CLASS_NAMES[label]) for label in order]}
    if not counts.all():
        return values, Verdict.UNDECIDED
    return values, Verdict.CONFIRMED if holds else Verdict.NOT_CONFIRMED


def correlations(f: Findings) -> Assessment:
    """Correlate the colour statistics pair by pair (C03)."""
    pairs = combinations(f.statistics[list(COLOURS)].to_numpy().T, 2)
    is_positive = [correlation_interval(a, b)[1] > 0 for a, b in pairs]
    values = {"positive": sum(is_positive), "pairs": len(is_positive)}
    return values, Verdict.CONFIRMED if np.mean(is_positive) > 0.5 else Verdict.NOT_CONFIRMED


def black_and_white(f: Findings) -> Assessment:
    """Correlate mean black with mean white (C04)."""
    both = f.statistics[["black", "white", "label"]].dropna()
    r, low, high = correlation_interval(both["black"].to_numpy(), both["white"].to_numpy())
    if np.isnan(r):
        return {}, Verdict.UNDECIDED
    within = [group["black"].corr(group["white"]) for _, group in both.groupby("label")]
    values = {"r": r, "low": low, "high": high, "n": len(both), "within": list(filter(np.isfinite, within))}
    return values, Verdict.CONFIRMED if high < 0 else Verdict.REFUTED if low > 0 else Verdict.NOT_CONFIRMED


def blue(f: Findings) -> Assessment:
    """Compare blue after a linear fit on red and green, among images with the more frequent background colour (C05)."""
    has_blue = f.statistics["has_blue_background"]
    chosen = has_blue == (has_blue.mean() > 0.5)  # the others would widen the deviation
    groups = blue_residual(f.statistics[chosen]).groupby(f.statistics["label"])
    means, errors, spread = groups.mean(), groups.sem().dropna(), float(np.sqrt(groups.var().mean()))
    if not spread > 1e-6:  # NaN, or no more than rounding leaves
        return {}, Verdict.UNDECIDED
    top = int(means[errors.index].idxmax())
    excess, error = means[top], errors[top]
    values = {"top": CLASS_NAMES[top], "excess": excess, "error": error, "spread": spread}
    values |= {"n": groups.size()[top], "left_out": (~chosen).sum()}
    if not excess > 2.73 * error:  # bounds the largest of eight means with 95 % (Bonferroni)
        return values, Verdict.NOT_CONFIRMED
    return values, Verdict.CONFIRMED if excess >= 0.5 * spread else Verdict.RESERVED


def _compare(f: Findings, column: str, label: int, sign: int) -> dict[str, Any]:
    """Return a class mean, n, and how many others it exceeds; its gap from their average with half the 95 % interval.

    ``sign`` is 1 where the mean should be higher than the others', -1 where it should be lower. ``is_apart`` says
    whether it differs so from each of them (95 %).
    """
    groups = f.statistics.groupby("label")[column]
    means, variances = groups.mean(), groups.sem() ** 2
    others = means.index != label
    gaps = sign * (means[label] - means[others])
    errors = 1.96 * np.sqrt(variances[label] + variances[others])
    error = 1.96 * np.sqrt(variances[label] + variances[others].sum() / others.sum() ** 2)
    values = {"mean": means[label], "n": groups.count()[label], "sign": sign, "gap": gaps.mean()}
    values |= {"error": error, "beaten": (gaps > 0).sum(), "others": len(gaps)}
    return values | {"is_apart": (gaps > errors).all()}


def lightness_and_size(f: Findings, label: int, sign: int) -> Assessment:
    """Assess whether a class is lighter and smaller (``sign`` 1, C06) or darker and larger (-1, C07) than others."""
    measurable = f.statistics.groupby("label")["dark_area"].count().reindex(range(8), fill_value=0)
    scarce = [f"{CLASS_NAMES[each]}s" for each in measurable.index[measurable < 2]]
    if scarce:
        return {"scarce": scarce}, Verdict.UNDECIDED
    grey, area = _compare(f, "grey", label, sign), _compare(f, "dark_area", label, -sign)
    values = {"scarce": scarce, "of_class": CLASS_NAMES[label], "grey": grey, "area": area}
    if grey["is_apart"] and area["is_apart"]:  # the size of eosinophils cannot be confirmed: see the rule
        return values, Verdict.CONFIRMED if sign > 0 else Verdict.RESERVED
    holds_on_average = all(each["gap"] > each["error"] > 0 for each in (grey, area))
    return values, Verdict.RESERVED if holds_on_average else Verdict.NOT_CONFIRMED


def microscope(f: Findings) -> Assessment:
    """Count the images that carry colour (C13)."""
    spread = np.ptp(f.statistics[["red", "green", "blue"]].to_numpy(), axis=1)
    coloured = float((spread > 5).mean())
    return {"coloured": coloured}, Verdict.REFUTED if coloured > 0.99 else Verdict.NOT_CONFIRMED
