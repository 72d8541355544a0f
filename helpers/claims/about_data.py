"""The claims about the images: C01 to C07 and C13. Their rules are in `claims.toml`."""

from itertools import combinations

import numpy as np

from helpers.claims.findings import Assessment, Findings, Verdict
from helpers.data import CLASS_NAMES, SIDE
from helpers.evaluation import correlation_interval
from helpers.features import COLOURS, blue_residual
from helpers.notation import counted, listed, out_of, percent, signed


def size(f: Findings) -> Assessment:
    """Count the images, the classes and the exact copies (C01)."""
    assert f.study.cells.labels is not None
    n, classes = len(f.study.cells), len(np.unique(f.study.cells.labels))
    extra = n - len(set(f.study.split.pixel_sha256))
    measured = f"There are {counted(n, 'RGB image')} of {SIDE}×{SIDE} pixels "
    measured += f"in {counted(classes, 'class', 'classes')}."
    if extra:
        measured += f" They include {counted(extra, 'exact copy of another', 'exact copies of others')}."
    if f.study.profile.largest_sample is not None:
        return measured, Verdict.UNDECIDED
    if (n, classes) != (15_092, 8):
        return measured, Verdict.NOT_CONFIRMED
    return measured, Verdict.RESERVED if extra else Verdict.CONFIRMED


def frequencies(f: Findings) -> Assessment:
    """Rank the classes by their number of images (C02)."""
    assert f.study.cells.labels is not None
    counts = np.bincount(f.study.cells.labels, minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    order = np.argsort(-counts, kind="stable")
    measured = f"The images show {listed(counted(counts[label], CLASS_NAMES[label]) for label in order)}."
    return measured, Verdict.CONFIRMED if holds else Verdict.NOT_CONFIRMED


def correlations(f: Findings) -> Assessment:
    """Correlate the colour statistics pair by pair (C03)."""
    pairs = combinations(f.statistics[list(COLOURS)].to_numpy().T, 2)
    is_positive = [correlation_interval(a, b)[1] > 0 for a, b in pairs]
    positive = out_of(sum(is_positive), len(is_positive), "pair")
    measured = f"The 95 % interval lies above zero for {positive} (n = {len(f.statistics):,})."
    return measured, Verdict.CONFIRMED if np.mean(is_positive) > 0.5 else Verdict.NOT_CONFIRMED


def black_and_white(f: Findings) -> Assessment:
    """Correlate mean black with mean white (C04)."""
    both = f.statistics[["black", "white", "label"]].dropna()
    r, low, high = correlation_interval(both["black"].to_numpy(), both["white"].to_numpy())
    if np.isnan(r):
        return "One of the two means does not vary between images.", Verdict.UNDECIDED
    interval = f"95 % CI {signed(low, 3)} to {signed(high, 3)}, n = {len(both):,}"
    measured = f"The correlation is {signed(r, 3)} ({interval})."
    within = [group["black"].corr(group["white"]) for _, group in both.groupby("label")]
    if np.isfinite(within).any():
        lowest, highest = signed(np.nanmin(within), 2), signed(np.nanmax(within), 2)
        measured += f" Within single classes it ranges from {lowest} to {highest}."
    return measured, Verdict.CONFIRMED if high < 0 else Verdict.REFUTED if low > 0 else Verdict.NOT_CONFIRMED


def blue(f: Findings) -> Assessment:
    """Compare blue after a linear fit on red and green, among images with the more frequent background colour (C05)."""
    has_blue = f.statistics["has_blue_background"]
    chosen = has_blue == (has_blue.mean() > 0.5)  # the others would widen the deviation
    groups = blue_residual(f.statistics[chosen]).groupby(f.statistics["label"])
    means, errors, spread = groups.mean(), groups.sem().dropna(), float(np.sqrt(groups.var().mean()))
    top = int(means[errors.index].idxmax())
    excess, low, high = (signed(means[top] + side * 1.96 * errors[top], 2) for side in (0, -1, 1))
    measured = (
        f"The mean excess of blue is largest in images of {CLASS_NAMES[top]}s, at {excess} grey levels "
    )
    measured += f"(95 % CI {low} to {high}, n = {groups.size()[top]:,}). "
    measured += f"This is {signed(means[top] / spread, 2)} standard deviations within classes."
    if not chosen.all():
        measured += f" We left out {counted((~chosen).sum(), 'image')} with the rarer background colour."
    if not means[top] > 2.73 * errors[top]:  # bounds the largest of eight means with 95 % (Bonferroni)
        return measured, Verdict.NOT_CONFIRMED
    return measured, Verdict.CONFIRMED if means[top] >= 0.5 * spread else Verdict.RESERVED


def _compare(f: Findings, column: str, unit: str, label: int, sign: int) -> tuple[str, bool, float]:
    """Return a class mean beside the others in words, whether it differs from each (95 %), and half intervals from all.

    ``sign`` is 1 where the mean should be higher than the others', -1 where it should be lower.
    """
    groups = f.statistics.groupby("label")[column]
    means, variances = groups.mean(), groups.sem() ** 2
    others = means.index != label
    gaps = sign * (means[label] - means[others])
    errors = 1.96 * np.sqrt(variances[label] + variances[others])
    gap, error = gaps.mean(), 1.96 * np.sqrt(variances[label] + variances[others].sum() / others.sum() ** 2)
    side, words = "above" if sign * gap >= 0 else "below", "higher" if sign > 0 else "lower"
    measured = f"{means[label]:.1f} {unit} (n = {groups.count()[label]:,}). "
    measured += f"It is {words} than {out_of((gaps > 0).sum(), others.sum(), 'other class mean')} "
    measured += f"and {abs(gap):.1f} ± {error:.1f} {side} their average (95 %)."
    return measured, bool((gaps > errors).all()), float(gap / error) if error else 0.0


def platelets(f: Findings) -> Assessment:
    """Compare lightness and dark area of platelets with those of the other classes (C06)."""
    return _brightness_and_size(f, 7, 1, Verdict.CONFIRMED)


def eosinophils(f: Findings) -> Assessment:
    """Compare lightness and dark area of eosinophils with those of the other classes (C07)."""
    return _brightness_and_size(f, 1, -1, Verdict.RESERVED)


def _brightness_and_size(f: Findings, label: int, sign: int, at_best: Verdict) -> Assessment:
    """Assess whether a class is lighter and smaller (``sign`` 1) or darker and larger (-1) than the others."""
    name, counts = CLASS_NAMES[label], f.statistics.groupby("label")["dark_area"].agg(["size", "count"])
    if label not in counts.index:
        return f"There are no {name}s among the images.", Verdict.UNDECIDED
    if (counts["count"] < 2).any():
        return "A class has fewer than two images with a dark region that can be measured.", Verdict.UNDECIDED
    grey, grey_is_apart, grey_gap = _compare(f, "grey", "grey levels", label, sign)
    area, area_is_apart, area_gap = _compare(f, "dark_area", "pixels", label, -sign)
    measured = f"The mean grey of images of {name}s is {grey} Their mean dark area is {area}"
    if grey_is_apart and area_is_apart:
        return measured, at_best
    return measured, Verdict.RESERVED if min(grey_gap, area_gap) > 1 else Verdict.NOT_CONFIRMED


def microscope(f: Findings) -> Assessment:
    """Count the images that carry colour (C13)."""
    spread = np.ptp(f.statistics[["red", "green", "blue"]].to_numpy(), axis=1)
    coloured = float((spread > 5).mean())
    measured = f"{percent(coloured)} of the images carry colour (n = {len(spread):,})."
    return measured, Verdict.REFUTED if coloured > 0.99 else Verdict.NOT_CONFIRMED
