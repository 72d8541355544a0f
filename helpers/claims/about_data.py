"""The claims about the images: C01 to C07 and C13. Each function's docstring is its rule."""

from itertools import combinations

import numpy as np
import pandas as pd

from helpers.claims.findings import (
    CONFIRMED,
    LARGEST_OF_EIGHT,
    NOT_CONFIRMED,
    REFUTED,
    RESERVED,
    UNDECIDED,
    Findings,
    Verdict,
)
from helpers.data import CLASS_NAMES, SIDE, find_copies
from helpers.evaluation import correlation_interval
from helpers.features import COLOURS, blue_residual


def size(f: Findings) -> Verdict:
    """Confirmed if the counts match, with reservation if exact copies are among them. All cells, no sample."""
    assert f.cells.labels is not None
    classes, copies = len(np.unique(f.cells.labels)), find_copies(f.split.pixel_sha256)
    extra = sum(len(group) - 1 for group in copies)
    measured = (
        f"{len(f.cells):,} images of {SIDE}×{SIDE} RGB, {classes} classes, {extra} further exact copies"
    )
    if f.is_sample:
        return measured, UNDECIDED
    if (len(f.cells), classes) != (15_092, 8):
        return measured, NOT_CONFIRMED
    return measured, RESERVED if extra else CONFIRMED


def frequencies(f: Findings) -> Verdict:
    """Confirmed if each of classes 1, 3 and 6 has more images than class 7, and class 7 more than each other."""
    assert f.cells.labels is not None
    counts = np.bincount(f.cells.labels, minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    order = "; ".join(
        f"{CLASS_NAMES[label]} {counts[label]:,}" for label in np.argsort(-counts, kind="stable")
    )
    return order, CONFIRMED if holds else NOT_CONFIRMED


def correlations(f: Findings) -> Verdict:
    """Confirmed if the 95 % interval of r lies above zero for more than half of the 15 pairs."""
    pairs = list(combinations(COLOURS, 2))
    lows = [correlation_interval(f.statistics[a].to_numpy(), f.statistics[b].to_numpy())[1] for a, b in pairs]
    positive = int(np.sum(np.array(lows) > 0))
    measured = (
        f"{positive} of {len(pairs)} pairs have a 95 % interval of r above zero, n = {len(f.statistics):,}"
    )
    return measured, CONFIRMED if 2 * positive > len(pairs) else NOT_CONFIRMED


def black_and_white(f: Findings) -> Verdict:
    """Confirmed if the 95 % interval of r lies below zero, refuted if above, not confirmed if it spans zero."""
    both = f.statistics[["black", "white", "label"]].dropna()
    r, low, high = correlation_interval(both["black"].to_numpy(), both["white"].to_numpy())
    if np.isnan(r):
        return "no variation in one of the two", UNDECIDED
    within = [group["black"].corr(group["white"]) for _, group in both.groupby("label")]
    measured = (
        f"r = {r:+.3f} [{low:+.3f}, {high:+.3f}], n = {len(both):,}; within single classes {np.nanmin(within):+.2f} to "
        f"{np.nanmax(within):+.2f}"
    )
    return measured, CONFIRMED if high < 0 else REFUTED if low > 0 else NOT_CONFIRMED


def blue(f: Findings) -> Verdict:
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
        f"{CLASS_NAMES[top]}: {means[top]:+.2f} ± {1.96 * errors[top]:.2f} grey levels of blue at equal red and "
        f"green ({means[top] / spread:.2f} standard deviations), n = {groups.size()[top]:,}; "
        f"{int((~chosen).sum()):,} images with the rarer background left out"
    )
    if not means[top] > LARGEST_OF_EIGHT * errors[top]:
        return measured, NOT_CONFIRMED
    return measured, CONFIRMED if means[top] >= 0.5 * spread else RESERVED


def _apart(
    values: pd.Series, labels: pd.Series, label: int, sign: int, words: str
) -> tuple[str, bool, float]:
    """Return how far a class mean lies from the others' in words, if from each (95 %), and half intervals from all."""
    groups = values.groupby(labels)
    means, variances = groups.mean(), groups.sem() ** 2
    others = means.index != label
    gaps = sign * (means[label] - means[others])
    errors = 1.96 * np.sqrt(variances[label] + variances[others])
    gap, error = gaps.mean(), 1.96 * np.sqrt(variances[label] + variances[others].sum() / others.sum() ** 2)
    measured = (
        f"{means[label]:.1f}, {sign * gap:+.1f} ± {error:.1f} against the other classes' average, "
        f"{words} {int((gaps > 0).sum())} of {others.sum()} classes"
    )
    return measured, bool((gaps > errors).all()), float(gap / error) if error else 0.0


def platelets(f: Findings) -> Verdict:
    """Confirmed if its pictures are lighter and its dark parts smaller than those of every other class (95 %).

    With reservation if that holds against the other classes' average only. A dark part leaves out pale cytoplasm, so
    that the cells of other classes are larger still.
    """
    return _brightness_and_size(f, 7, ("lighter than", "smaller than"), CONFIRMED)


def eosinophils(f: Findings) -> Verdict:
    """Confirmed with reservation if its pictures are darker and its dark parts larger than the average (95 %).

    Not more than that: in most of an eosinophil granules take the stain and pass the threshold, in a neutrophil the
    nucleus only, so that other cells may be as large or larger.
    """
    return _brightness_and_size(f, 1, ("darker than", "larger than"), RESERVED)


def _brightness_and_size(f: Findings, label: int, words: tuple[str, str], at_best: str) -> Verdict:
    labels, dark_areas = f.statistics["label"], f.statistics["dark_area"]
    counts = np.bincount(labels, minlength=len(CLASS_NAMES))
    if not counts[label]:
        return f"no {CLASS_NAMES[label]} among the images", UNDECIDED
    sign = 1 if words[0] == "lighter than" else -1
    grey, grey_is_apart, grey_gap = _apart(f.statistics["grey"], labels, label, sign, words[0])
    areas = np.bincount(labels[dark_areas.notna()], minlength=len(CLASS_NAMES))
    without = counts[label] - areas[label]
    area, area_is_apart, area_gap = _apart(dark_areas, labels, label, -sign, words[1])
    measured = (
        f"{CLASS_NAMES[label]}: mean grey {grey}; central dark part in pixels {area}; n = {counts[label]:,}, in "
        f"{without:,} of them the part reaches the edge"
    )
    if (areas[counts > 0] < 2).any():
        return f"{measured}; a class has fewer than two images or dark parts", UNDECIDED
    if grey_is_apart and area_is_apart:
        return measured, at_best
    return measured, RESERVED if min(grey_gap, area_gap) > 1 else NOT_CONFIRMED


def microscope(f: Findings) -> Verdict:
    """Refuted if more than 99 % of the images carry colour: electrons have none."""
    spread = np.ptp(f.statistics[["red", "green", "blue"]].to_numpy(), axis=1)
    coloured = float((spread > 5).mean())
    measured = f"{coloured:.1%} of the images carry colour, n = {len(spread):,}"
    return measured, REFUTED if coloured > 0.99 else NOT_CONFIRMED
