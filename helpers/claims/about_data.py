"""The claims about the images: C01 to C07 and C13. Each function's docstring is its rule."""

from itertools import combinations

import numpy as np

from helpers.claims.findings import Findings, Judgement, Verdict
from helpers.data import CLASS_NAMES, SIDE
from helpers.evaluation import correlation_interval
from helpers.features import COLOURS, blue_residual


def size(f: Findings) -> Judgement:
    """Confirmed if the counts match, with reservation if exact copies are among them. All cells, no sample."""
    assert f.study.cells.labels is not None
    n, classes = len(f.study.cells), len(np.unique(f.study.cells.labels))
    extra = n - len(set(f.study.split.pixel_sha256))
    measured = f"{n:,} images of {SIDE}×{SIDE} RGB, {classes} classes, {extra} further exact copies"
    if f.study.profile.largest_sample is not None:
        return measured, Verdict.UNDECIDED
    if (n, classes) != (15_092, 8):
        return measured, Verdict.NOT_CONFIRMED
    return measured, Verdict.RESERVED if extra else Verdict.CONFIRMED


def frequencies(f: Findings) -> Judgement:
    """Confirmed if each of classes 1, 3 and 6 has more images than class 7, and class 7 more than each other."""
    assert f.study.cells.labels is not None
    counts = np.bincount(f.study.cells.labels, minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    order = np.argsort(-counts, kind="stable")
    measured = "; ".join(f"{CLASS_NAMES[label]} {counts[label]:,}" for label in order)
    return measured, Verdict.CONFIRMED if holds else Verdict.NOT_CONFIRMED


def correlations(f: Findings) -> Judgement:
    """Confirmed if the 95 % interval of r lies above zero for more than half of the 15 pairs."""
    pairs = combinations(f.statistics[list(COLOURS)].to_numpy().T, 2)
    is_positive = [correlation_interval(a, b)[1] > 0 for a, b in pairs]
    measured = f"{sum(is_positive)} of {len(is_positive)} pairs have a 95 % interval of r above zero, "
    measured += f"n = {len(f.statistics):,}"
    return measured, Verdict.CONFIRMED if np.mean(is_positive) > 0.5 else Verdict.NOT_CONFIRMED


def black_and_white(f: Findings) -> Judgement:
    """Confirmed if the 95 % interval of r lies below zero, refuted if above, not confirmed if it spans zero."""
    both = f.statistics[["black", "white", "label"]].dropna()
    r, low, high = correlation_interval(both["black"].to_numpy(), both["white"].to_numpy())
    if np.isnan(r):
        return "no variation in one of the two", Verdict.UNDECIDED
    within = [group["black"].corr(group["white"]) for _, group in both.groupby("label")]
    measured = f"r = {r:+.3f} [{low:+.3f}, {high:+.3f}], n = {len(both):,}; "
    measured += f"within single classes {np.nanmin(within):+.2f} to {np.nanmax(within):+.2f}"
    return measured, Verdict.CONFIRMED if high < 0 else Verdict.REFUTED if low > 0 else Verdict.NOT_CONFIRMED


def blue(f: Findings) -> Judgement:
    """What a linear fit of blue on red and green leaves over, among images of the more frequent background.

    Confirmed if the largest class mean lies half a standard deviation up, with reservation if it is less; in either
    case only if it lies further above zero than chance puts the largest of eight (2.73 standard errors). Images of the
    rarer background, bluish or not, are left out: they would widen the deviation.
    """
    has_blue = f.statistics["has_blue_background"]
    chosen = has_blue == (has_blue.mean() > 0.5)
    groups = blue_residual(f.statistics[chosen]).groupby(f.statistics["label"])
    means, errors, spread = groups.mean(), groups.sem(), float(np.sqrt(groups.var().mean()))
    top = int(means.idxmax())
    measured = (
        f"{CLASS_NAMES[top]}: {means[top]:+.2f} ± {1.96 * errors[top]:.2f} grey levels of blue at equal "
    )
    measured += f"red and green ({means[top] / spread:.2f} standard deviations), n = {groups.size()[top]:,}; "
    measured += f"{int((~chosen).sum()):,} images with the rarer background left out"
    # 2.73 standard errors bound the largest of eight means with 95 % (Bonferroni)
    if not means[top] > 2.73 * errors[top]:
        return measured, Verdict.NOT_CONFIRMED
    return measured, Verdict.CONFIRMED if means[top] >= 0.5 * spread else Verdict.RESERVED


def _apart(f: Findings, column: str, label: int, sign: int, words: str) -> tuple[str, bool, float]:
    """Return how far a class mean lies from the others' in words, if from each (95 %), and half intervals from all."""
    groups = f.statistics.groupby("label")[column]
    means, variances = groups.mean(), groups.sem() ** 2
    others = means.index != label
    gaps = sign * (means[label] - means[others])
    errors = 1.96 * np.sqrt(variances[label] + variances[others])
    gap, error = gaps.mean(), 1.96 * np.sqrt(variances[label] + variances[others].sum() / others.sum() ** 2)
    measured = f"{means[label]:.1f}, {sign * gap:+.1f} ± {error:.1f} against the other classes' average, "
    measured += f"{words} {int((gaps > 0).sum())} of {others.sum()} classes"
    return measured, bool((gaps > errors).all()), float(gap / error) if error else 0.0


def platelets(f: Findings) -> Judgement:
    """Confirmed if its pictures are lighter and its dark parts smaller than those of every other class (95 %).

    With reservation if that holds against the other classes' average only. A dark part leaves out pale cytoplasm, so
    that the cells of other classes are larger still.
    """
    return _brightness_and_size(f, 7, ("lighter than", "smaller than"), Verdict.CONFIRMED)


def eosinophils(f: Findings) -> Judgement:
    """Confirmed with reservation if its pictures are darker and its dark parts larger than the average (95 %).

    Not more than that: in most of an eosinophil granules take the stain and pass the threshold, in a neutrophil the
    nucleus only, so that other cells may be as large or larger.
    """
    return _brightness_and_size(f, 1, ("darker than", "larger than"), Verdict.RESERVED)


def _brightness_and_size(f: Findings, label: int, words: tuple[str, str], at_best: Verdict) -> Judgement:
    counts = f.statistics.groupby("label")["dark_area"].agg(["size", "count"])
    if label not in counts.index:
        return f"no {CLASS_NAMES[label]} among the images", Verdict.UNDECIDED
    sign = 1 if words[0] == "lighter than" else -1
    grey, grey_is_apart, grey_gap = _apart(f, "grey", label, sign, words[0])
    area, area_is_apart, area_gap = _apart(f, "dark_area", label, -sign, words[1])
    n, areas = counts.loc[label]
    measured = f"{CLASS_NAMES[label]}: mean grey {grey}; central dark part in pixels {area}; "
    measured += f"n = {n:,}, in {n - areas:,} of them the part reaches the edge"
    if (counts["count"] < 2).any():
        return f"{measured}; a class has fewer than two images or dark parts", Verdict.UNDECIDED
    if grey_is_apart and area_is_apart:
        return measured, at_best
    return measured, Verdict.RESERVED if min(grey_gap, area_gap) > 1 else Verdict.NOT_CONFIRMED


def microscope(f: Findings) -> Judgement:
    """Refuted if more than 99 % of the images carry colour: electrons have none."""
    spread = np.ptp(f.statistics[["red", "green", "blue"]].to_numpy(), axis=1)
    coloured = float((spread > 5).mean())
    measured = f"{coloured:.1%} of the images carry colour, n = {len(spread):,}"
    return measured, Verdict.REFUTED if coloured > 0.99 else Verdict.NOT_CONFIRMED
