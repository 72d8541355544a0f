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
    val_accuracy : validation accuracy by model name
    scores : what `helpers.evaluation.score` says of the test split, by model name
    test_labels : (N,) labels of the test split
    probabilities : (N, 8) test probabilities by model name
    leak_scores : scores of ``lenet_custom`` on "train", "validation", "test" and "all images"
    """

    cells: Cells
    split: Split
    statistics: pd.DataFrame
    development_labels: np.ndarray
    val_accuracy: dict[str, float]
    scores: dict[str, dict[str, Any]]
    test_labels: np.ndarray
    probabilities: dict[str, np.ndarray]
    leak_scores: dict[str, dict[str, Any]]


def with_interval(score: dict[str, Any]) -> str:
    """Return accuracy, 95 % interval and n of a score as words."""
    low, high = score["accuracy_ci95"]
    return f"{score['accuracy']:.4f} [{low:.4f}, {high:.4f}], n = {score['n']:,}"


def _size(f: Findings) -> Verdict:
    """Confirmed if the counts match; with reservation if they do but exact copies are among the images."""
    assert f.cells.labels is not None
    classes, copies = len(np.unique(f.cells.labels)), find_copies(f.split.pixel_sha256)
    extra = sum(len(group) - 1 for group in copies)
    measured = (
        f"{len(f.cells):,} images of {SIDE}×{SIDE} RGB, {classes} classes, {extra} further exact copies"
    )
    if (len(f.cells), classes) != (15_092, 8):
        return measured, NOT_CONFIRMED
    return measured, RESERVED if extra else CONFIRMED


def _frequencies(f: Findings) -> Verdict:
    """Confirmed if each of classes 1, 3 and 6 has more images than class 7, and class 7 more than each other."""
    assert f.cells.labels is not None
    counts = np.bincount(f.cells.labels, minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    order = ", ".join(f"{label}: {counts[label]:,}" for label in np.argsort(-counts, kind="stable"))
    return f"images by class {order}", CONFIRMED if holds else NOT_CONFIRMED


def _correlations(f: Findings) -> Verdict:
    """Confirmed if the 95 % interval of r lies above zero for more than half of the 15 pairs."""
    pairs = list(combinations(f.statistics.columns, 2))
    lows = [correlation_interval(f.statistics[a].to_numpy(), f.statistics[b].to_numpy())[1] for a, b in pairs]
    positive = int(np.sum(np.array(lows) > 0))
    measured = f"{positive} of {len(pairs)} pairs correlate positively, n = {len(f.statistics):,}"
    return measured, CONFIRMED if 2 * positive > len(pairs) else NOT_CONFIRMED


def _black_and_white(f: Findings) -> Verdict:
    """Confirmed if the 95 % interval of r lies below zero, refuted if above, not confirmed if it spans zero."""
    r, low, high = correlation_interval(f.statistics["black"].to_numpy(), f.statistics["white"].to_numpy())
    measured = f"r = {r:+.3f} [{low:+.3f}, {high:+.3f}], n = {len(f.statistics):,}"
    if np.isnan(r):
        return measured, UNDECIDED
    return measured, CONFIRMED if high < 0 else REFUTED if low > 0 else NOT_CONFIRMED


def _blue(f: Findings) -> Verdict:
    """Blue that a linear fit on red and green leaves over: confirmed if a class mean is half a deviation up.

    With reservation if the largest class mean is less than half a standard deviation, yet more than 1.96
    standard errors, above zero.
    """
    table = f.statistics
    design = np.column_stack([np.ones(len(table)), table["red"], table["green"]])
    weights = np.linalg.lstsq(design, table["blue"].to_numpy(), rcond=None)[0]
    groups = (table["blue"] - design @ weights).groupby(f.development_labels)
    means, errors, spread = groups.mean(), groups.sem(), float(np.sqrt((groups.var()).mean()))
    top = int(means.idxmax())
    measured = (
        f"{CLASS_NAMES[top]}: {means[top]:+.2f} ± {1.96 * errors[top]:.2f} grey levels of blue at equal red and "
        f"green ({means[top] / spread:.2f} standard deviations), n = {groups.size()[top]:,}"
    )
    if means[top] >= 0.5 * spread:
        return measured, CONFIRMED
    return measured, RESERVED if means[top] > 1.96 * errors[top] else NOT_CONFIRMED


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
        f"{CLASS_NAMES[label]}: mean grey {means[label]:.1f}, {average_gap:+.1f} ± {average_error:.1f} levels "
        f"{word} than the other classes' average, {word} than {int((gap > 0).sum())} of {int(others.sum())} "
        f"classes, n = {groups.size()[label]:,}"
    )
    if (gap > error).all():
        return measured, CONFIRMED
    return measured, RESERVED if average_gap > average_error else NOT_CONFIRMED


def _platelets(f: Findings) -> Verdict:
    """Confirmed if lighter than every other class (95 %); with reservation if only lighter than their average."""
    return _brightness(f, label=7, sign=1)


def _eosinophils(f: Findings) -> Verdict:
    """Confirmed if darker than every other class (95 %); with reservation if only darker than their average."""
    return _brightness(f, label=1, sign=-1)


def _accuracy(f: Findings, model: str, reported: float) -> Verdict:
    if model not in f.scores:
        return f"{model} is not trained in this profile", UNDECIDED
    score = f.scores[model]
    measured = f"test {with_interval(score)}; validation {f.val_accuracy[model]:.4f}"
    if f.cells.is_synthetic:
        return measured, UNDECIDED
    low, high = score["accuracy_ci95"]
    if low <= reported <= high:
        return measured, CONFIRMED
    side = "higher" if score["accuracy"] > reported else "lower"
    return f"{measured}: {side} than reported", NOT_CONFIRMED


def _forest(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in the 95 % interval on the test split; real cells only."""
    return _accuracy(f, "forest", 0.87)


def _classic(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in the 95 % interval on the test split; real cells only."""
    return _accuracy(f, "lenet_classic", 0.91)


def _alexnet(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in the 95 % interval on the test split; real cells only."""
    return _accuracy(f, "alexnet", 0.80)


def _custom(f: Findings) -> Verdict:
    """As the other accuracies; with reservation if a model of the original report is significantly better."""
    measured, verdict = _accuracy(f, "lenet_custom", 0.9397)
    rivals = [name for name in ("forest", "lenet_classic", "alexnet") if name in f.probabilities]
    better = []
    for row in compare_models(
        f.test_labels, {m: f.probabilities[m] for m in ("lenet_custom", *rivals)}
    ).itertuples():
        if row.a == "lenet_custom" and row.p < 0.05 and row.only_b > row.only_a:
            better.append(row.b)
    measured += f"; significantly better: {', '.join(better) or 'none'} of {', '.join(rivals)}"
    return measured, RESERVED if verdict == CONFIRMED and better else verdict


def _leak(f: Findings) -> Verdict:
    """Refuted as a measure of accuracy if images the model was trained on score above those it never saw (95 %)."""
    scores = f.leak_scores
    measured = "; ".join(f"{part} {with_interval(score)}" for part, score in scores.items())
    if f.cells.is_synthetic:
        return measured, UNDECIDED
    leaks = scores["train"]["accuracy_ci95"][0] > scores["test"]["accuracy_ci95"][1]
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
    return "not measured by this profile", UNDECIDED


def _changes(f: Findings) -> Verdict:
    """All changes together by McNemar's test; with reservation where each alone is not tested.

    Max pooling, softmax, cross-entropy and Adam are already in the report's classical network: no change at all.
    """
    measured, verdict = _paired(f, "lenet_custom", "lenet_classic")
    return f"all changes together: {measured}; four of the eight are no changes", (
        RESERVED if verdict == CONFIRMED else verdict
    )


def _network_wins(f: Findings) -> Verdict:
    """Confirmed if ``lenet_custom`` beats both hand-crafted models (McNemar); with reservation if only the forest."""
    forest, forest_verdict = _paired(f, "lenet_custom", "forest")
    best, best_verdict = _paired(f, "lenet_custom", "handcrafted_best")
    measured = f"against the forest: {forest}; against the best hand-crafted model: {best}"
    if forest_verdict == best_verdict:
        return measured, forest_verdict
    return measured, RESERVED if forest_verdict == CONFIRMED else NOT_CONFIRMED


def _paired(f: Findings, a: str, b: str) -> Verdict:
    if a not in f.probabilities or b not in f.probabilities:
        return f"{a} or {b} is missing", UNDECIDED
    row = compare_models(f.test_labels, {a: f.probabilities[a], b: f.probabilities[b]}).iloc[0]
    gain = 100 * (row["only_a"] - row["only_b"]) / len(f.test_labels)
    measured = f"{gain:+.2f} points, p = {row['p']:.2g}, n = {len(f.test_labels):,}"
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
     "fig-colour-scatter"),
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
