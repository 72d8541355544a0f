"""The ledger: every claim of the original report, the rule that judges it, and the verdict of this run.

Each claim is a function from the run's findings to (measured, verdict). Its docstring is the rule, and the
report prints it beside the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from helpers.cells import CLASS_NAMES, SIDE, Cells
from helpers.evaluation import compare_models, correlation_interval
from helpers.preprocessing import Split, find_copies

CONFIRMED = "confirmed"
RESERVED = "confirmed with reservation"
NOT_CONFIRMED = "not confirmed"
REFUTED = "refuted"
UNDECIDED = "cannot be decided on these data"

VERDICTS = (CONFIRMED, RESERVED, NOT_CONFIRMED, REFUTED, UNDECIDED)

LARGEST_OF_EIGHT = 2.73
"""Standard errors that bound the largest of eight means with 95 % (Bonferroni)."""

WIDEST_INTERVAL = 0.05
"""Width of an accuracy's 95 % interval from which on it decides nothing."""

Verdict = tuple[str, str]
"""What was measured, in words, and one of the five verdicts."""


@dataclass(frozen=True)
class Findings:
    """What a run has measured.

    Parameters
    ----------
    cells, split : all images and their parts
    statistics : colour statistics of the development images (training and validation), one row each
    development_labels : (M,) labels of those rows
    blue_background : (M,) whether each of them has a bluish background (`helpers.audit`)
    validation_scores : what `helpers.evaluation.score` says of the validation images, by model name
    is_sample : True where the profile uses only a sample of the images
    still_rising : names of the networks whose validation accuracy was still rising when training ended
    scores : what `helpers.evaluation.score` says of the test split, by model name
    test_labels : (N,) labels of the test split
    probabilities : (N, 8) test probabilities by model name
    leak_scores : scores of ``lenet_custom`` on "train", "validation", "test" and "all images"
    """

    cells: Cells
    split: Split
    statistics: pd.DataFrame
    development_labels: np.ndarray
    blue_background: np.ndarray
    validation_scores: dict[str, dict[str, Any]]
    is_sample: bool
    still_rising: frozenset[str]
    scores: dict[str, dict[str, Any]]
    test_labels: np.ndarray
    probabilities: dict[str, np.ndarray]
    leak_scores: dict[str, dict[str, Any]]


def with_interval(score: dict[str, Any]) -> str:
    """Return accuracy, 95 % interval and n of a score as words."""
    low, high = score["accuracy_ci95"]
    return f"{score['accuracy']:.4f} [{low:.4f}, {high:.4f}], n = {score['n']:,}"


def _size(f: Findings) -> Verdict:
    """Confirmed if the counts match, with reservation if exact copies are among them. Real cells, all of them, only."""
    assert f.cells.labels is not None
    classes, copies = len(np.unique(f.cells.labels)), find_copies(f.split.pixel_sha256)
    extra = sum(len(group) - 1 for group in copies)
    measured = (
        f"{len(f.cells):,} images of {SIDE}×{SIDE} RGB, {classes} classes, {extra} further exact copies"
    )
    if f.cells.is_synthetic or f.is_sample:
        return measured, UNDECIDED
    if (len(f.cells), classes) != (15_092, 8):
        return measured, NOT_CONFIRMED
    return measured, RESERVED if extra else CONFIRMED


def _frequencies(f: Findings) -> Verdict:
    """Confirmed if each of classes 1, 3 and 6 has more images than class 7, and class 7 more than each other."""
    assert f.cells.labels is not None
    counts = np.bincount(f.cells.labels, minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    order = "; ".join(
        f"{CLASS_NAMES[label]} {counts[label]:,}" for label in np.argsort(-counts, kind="stable")
    )
    return order, CONFIRMED if holds else NOT_CONFIRMED


def _correlations(f: Findings) -> Verdict:
    """Confirmed if the 95 % interval of r lies above zero for more than half of the 15 pairs."""
    pairs = list(combinations(f.statistics.columns, 2))
    lows = [correlation_interval(f.statistics[a].to_numpy(), f.statistics[b].to_numpy())[1] for a, b in pairs]
    positive = int(np.sum(np.array(lows) > 0))
    measured = f"{positive} of {len(pairs)} pairs correlate positively, n = {len(f.statistics):,}"
    return measured, CONFIRMED if 2 * positive > len(pairs) else NOT_CONFIRMED


def _black_and_white(f: Findings) -> Verdict:
    """Confirmed if the 95 % interval of r lies below zero, refuted if above, not confirmed if it spans zero."""
    both = f.statistics[["black", "white"]].dropna()
    r, low, high = correlation_interval(both["black"].to_numpy(), both["white"].to_numpy())
    if np.isnan(r):
        return "no variation in one of the two", UNDECIDED
    within = [
        group["black"].corr(group["white"]) for _, group in both.groupby(f.development_labels[both.index])
    ]
    measured = (
        f"r = {r:+.3f} [{low:+.3f}, {high:+.3f}], n = {len(both):,}; within single classes {np.nanmin(within):+.2f} to "
        f"{np.nanmax(within):+.2f}"
    )
    return measured, CONFIRMED if high < 0 else REFUTED if low > 0 else NOT_CONFIRMED


def _blue(f: Findings) -> Verdict:
    """What a linear fit of blue on red and green leaves over, among images of the more frequent background.

    Confirmed if the largest class mean lies half a standard deviation up, with reservation if it is less; in either
    case only if it lies further above zero than chance puts the largest of eight (2.73 standard errors). Images of the
    rarer background, bluish or not, come from another acquisition and would widen the deviation.
    """
    chosen = f.blue_background == (f.blue_background.mean() > 0.5)
    table, labels = f.statistics[chosen], f.development_labels[chosen]
    design = np.column_stack([np.ones(len(table)), table["red"], table["green"]])
    weights = np.linalg.lstsq(design, table["blue"].to_numpy(), rcond=None)[0]
    groups = (table["blue"] - design @ weights).groupby(labels)
    means, errors, spread = groups.mean(), groups.sem(), float(np.sqrt(groups.var().mean()))
    top = int(means.idxmax())
    measured = (
        f"{CLASS_NAMES[top]}: {means[top]:+.2f} ± {1.96 * errors[top]:.2f} grey levels of blue at equal red and "
        f"green ({means[top] / spread:.2f} standard deviations), n = {groups.size()[top]:,}; "
        f"{int((~chosen).sum()):,} images of another acquisition left out"
    )
    if not means[top] > LARGEST_OF_EIGHT * errors[top]:
        return measured, NOT_CONFIRMED
    return measured, CONFIRMED if means[top] >= 0.5 * spread else RESERVED


def _brightness(f: Findings, label: int, sign: int) -> Verdict:
    groups = f.statistics["grey"].groupby(f.development_labels)
    means, variances = groups.mean(), groups.sem() ** 2
    if label not in means.index:
        return f"no {CLASS_NAMES[label]} among the images", UNDECIDED
    others = means.index != label
    gap = sign * (means[label] - means[others])
    error = 1.96 * np.sqrt(variances[label] + variances[others])
    average_gap = float(gap.mean())
    average_error = 1.96 * float(np.sqrt(variances[label] + variances[others].sum() / others.sum() ** 2))
    word = "lighter" if sign > 0 else "darker"
    measured = (
        f"{CLASS_NAMES[label]}: mean grey of the picture {means[label]:.1f}, {average_gap:.1f} ± "
        f"{average_error:.1f} levels {word} than the other classes' average, {word} than {int((gap > 0).sum())} of "
        f"{int(others.sum())} classes, n = {groups.size()[label]:,}; cell size was not measured"
    )
    if np.isnan(error).any():
        return f"{measured}; a class has a single image", UNDECIDED
    if (gap > error).all():
        return measured, CONFIRMED
    return measured, RESERVED if average_gap > average_error else NOT_CONFIRMED


def _platelets(f: Findings) -> Verdict:
    """Confirmed if lighter than every other class (95 %); with reservation if only lighter than their average."""
    return _brightness(f, label=7, sign=1)


def _eosinophils(f: Findings) -> Verdict:
    """Confirmed if darker than every other class (95 %); with reservation if only darker than their average."""
    return _brightness(f, label=1, sign=-1)


def _accuracy(f: Findings, model: str, reported: float, on_validation: bool) -> Verdict:
    if model not in f.scores:
        return f"{model} is not trained in this profile", UNDECIDED
    test, validation = f.scores[model], f.validation_scores[model]
    measured = f"test {with_interval(test)}; validation {with_interval(validation)}"
    if f.cells.is_synthetic:
        return measured, UNDECIDED
    low, high = (validation if on_validation else test)["accuracy_ci95"]
    if high - low > WIDEST_INTERVAL:
        return f"{measured}: too few images", UNDECIDED
    if low <= reported <= high:
        return measured, CONFIRMED
    if reported < low:
        return f"{measured}: higher than reported", RESERVED
    return f"{measured}: lower than reported", NOT_CONFIRMED


def _forest(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if the test accuracy lies below the interval on validation images ("generalises
    well"). Real cells only.
    """
    measured, verdict = _accuracy(f, "forest", 0.87, on_validation=True)
    generalises = f.scores["forest"]["accuracy"] >= f.validation_scores["forest"]["accuracy_ci95"][0]
    return measured, NOT_CONFIRMED if verdict != UNDECIDED and not generalises else verdict


def _classic(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on test images, with reservation if below it.

    Not confirmed if it lies above. Real cells only.
    """
    return _accuracy(f, "lenet_classic", 0.91, on_validation=False)


def _alexnet(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on test images, not confirmed if it does not.

    Cannot be decided where validation accuracy was still rising when the training ended. Real cells only.
    """
    measured, verdict = _accuracy(f, "alexnet", 0.80, on_validation=False)
    if "alexnet" in f.still_rising:
        return f"{measured}; still rising when this profile's training ended", UNDECIDED
    return measured, NOT_CONFIRMED if verdict == RESERVED else verdict


def _custom(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if another model of the original report is significantly better on test images;
    with reservation if not all of them are significantly worse (McNemar, Holm). Real cells only.
    """
    measured, verdict = _accuracy(f, "lenet_custom", 0.9397, on_validation=True)
    rivals = [name for name in ("forest", "lenet_classic", "alexnet") if name in f.probabilities]
    chosen = {name: f.probabilities[name] for name in ("lenet_custom", *rivals)}
    compared = compare_models(f.test_labels, chosen, against="lenet_custom")
    differs = compared["p"] < 0.05
    better = compared["b"][differs & (compared["only_b"] > compared["only_a"])].tolist()
    worse = compared["b"][differs & (compared["only_b"] < compared["only_a"])].tolist()
    measured += f"; of {', '.join(rivals)}, significantly better: {', '.join(better) or 'none'}, worse: "
    measured += ", ".join(worse) or "none"
    if verdict in (UNDECIDED, NOT_CONFIRMED) or better:
        return measured, UNDECIDED if verdict == UNDECIDED else NOT_CONFIRMED
    return measured, verdict if len(worse) == len(rivals) else RESERVED


def _leak(f: Findings) -> Verdict:
    """Refuted as a measure of accuracy if images the model was trained on score above those it never saw (95 %)."""
    scores = f.leak_scores
    measured = "; ".join(f"{part} {with_interval(score)}" for part, score in scores.items())
    if f.cells.is_synthetic:
        return measured, UNDECIDED
    leaks = scores["train"]["accuracy_ci95"][0] > scores["test"]["accuracy_ci95"][1]
    low, high = scores["all images"]["accuracy_ci95"]
    if low <= 0.98 <= high:
        measured = f"the number is reproduced, on images most of which trained the model: {measured}"
    return measured, REFUTED if leaks else NOT_CONFIRMED


def _microscope(f: Findings) -> Verdict:
    """Refuted if more than 99 % of the images carry colour: electrons have none. Real cells only."""
    spread = f.statistics[["red", "green", "blue"]].max(axis=1) - f.statistics[["red", "green", "blue"]].min(
        axis=1
    )
    coloured = float((spread > 5).mean())
    measured = f"{coloured:.1%} of the images carry colour, n = {len(spread):,}"
    if f.cells.is_synthetic:
        return measured, UNDECIDED
    return measured, REFUTED if coloured > 0.99 else NOT_CONFIRMED


def _scaling(f: Findings) -> Verdict:
    """Needs the same network trained on raw and on scaled pixels, over several seeds."""
    return "this run did not measure it", UNDECIDED


def _changes(f: Findings) -> Verdict:
    """Not confirmed as long as a listed change is none.

    Max pooling, softmax, cross-entropy and Adam are in both of the report's networks. Refuted if all changes
    together make the network significantly worse (McNemar).
    """
    together, verdict = _paired(f, "lenet_custom", "lenet_classic")
    measured = f"four of the eight are no changes and cannot help; the others together: {together}; singly not tested"
    return measured, verdict if verdict in (REFUTED, UNDECIDED) else NOT_CONFIRMED


def _network_wins(f: Findings) -> Verdict:
    """Confirmed if the custom LeNet beats both hand-crafted models, refuted if one of them beats it (McNemar).

    With reservation if it beats the forest and the best hand-crafted model neither beats it nor is beaten.
    """
    forest, forest_verdict = _paired(f, "lenet_custom", "forest")
    best, best_verdict = _paired(f, "lenet_custom", "handcrafted_best")
    measured = f"against the report's forest: {forest}; against the best hand-crafted model: {best}"
    if REFUTED in (forest_verdict, best_verdict) or forest_verdict != CONFIRMED:
        return measured, REFUTED if REFUTED in (forest_verdict, best_verdict) else forest_verdict
    return measured, CONFIRMED if best_verdict == CONFIRMED else RESERVED


def _paired(f: Findings, a: str, b: str) -> Verdict:
    if a not in f.probabilities or b not in f.probabilities:
        return f"{a} or {b} is missing", UNDECIDED
    row = compare_models(f.test_labels, {a: f.probabilities[a], b: f.probabilities[b]}).iloc[0]
    gain = 100 * (row["only_a"] - row["only_b"]) / len(f.test_labels)
    measured = f"{gain:+.2f} points, p = {row['p']:.2g} (uncorrected), n = {len(f.test_labels):,}"
    if row["p"] >= 0.05:
        return measured, NOT_CONFIRMED
    return measured, CONFIRMED if gain > 0 else REFUTED


CLAIMS: tuple[tuple[str, str, str, Callable[[Findings], Verdict], str], ...] = (
    ("C01", "15,092 images, 48×48, RGB, eight classes", "15,092", _size, "table-validation"),
    ("C02", "Classes 1, 3 and 6 are most frequent, 7 is moderate, the rest are less frequent", "a count plot",
     _frequencies, "fig-label-counts"),
    ("C03", "Most pairs of the extracted colour features correlate positively", "scatter plots", _correlations,
     "fig-colour-correlations"),
    ("C04", "… except mean black against mean white, which correlate negatively", "a scatter plot",
     _black_and_white, "fig-colour-correlations"),
    ("C05", "At similar red and green, some classes have visibly higher mean blue", "a scatter plot", _blue,
     "fig-blue-residual"),
    ("C06", "Class 7 is lighter (“smaller cells”)", "a scatter plot", _platelets, "fig-grey-by-class"),
    ("C07", "Class 1 is darker (“larger cells”)", "a scatter plot", _eosinophils, "fig-grey-by-class"),
    ("C08", "Random forest on hand-crafted features generalises well", "0.87 (validation)", _forest,
     "table-test-scores"),
    ("C09", "Classical LeNet", "0.91", _classic, "table-test-scores"),
    ("C10", "AlexNet-48, dropped for bad performance", "0.80", _alexnet, "table-test-scores"),
    ("C11", "Custom LeNet, the best of those tested", "0.9397 (validation)", _custom, "table-test-scores"),
    ("C12", "test_model on the original data.npz", "0.98", _leak, "table-leak"),
    ("C13", "The images come from an electron microscope", "stated", _microscope, "fig-examples"),
    ("C14", "Scaling to [-1, 1] makes training faster and more stable", "stated", _scaling, ""),
    ("C15", "Each listed LeNet change helps", "stated", _changes, "fig-model-comparison"),
    ("C16", "The CNN beats the hand-crafted model", "0.9397 against 0.87", _network_wins,
     "fig-model-comparison"),
)  # fmt: skip
"""Identifier, claim, reported value, judge, and the figure or table that shows it."""


def settle_claims(findings: Findings) -> list[dict[str, str]]:
    """Return the ledger: id, claim, reported, measured, verdict, rule and evidence of every claim, in order."""
    ledger = []
    for identifier, claim, reported, judge, evidence in CLAIMS:
        measured, verdict = judge(findings)
        ledger.append(
            {
                "id": identifier,
                "claim": claim,
                "reported": reported,
                "measured": measured,
                "verdict": verdict,
                "rule": " ".join((judge.__doc__ or "").split()),
                "evidence": f"#{evidence}" if evidence else "",
            }
        )
    return ledger
