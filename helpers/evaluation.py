"""How good a model is: scores with intervals, and paired tests between models on the same images."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from helpers.cells import CLASS_NAMES

ALL_LABELS = np.arange(len(CLASS_NAMES))


def accuracy_interval(correct: int, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of ``correct`` out of ``total`` (Wilson 1927, doi:10.2307/2276774)."""
    low, high = proportion_confint(correct, total, alpha=0.05, method="wilson")
    return float(low), float(high)


def correlation_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return Pearson's r with its 95 % interval (Fisher's z); missing values are left out in pairs.

    A constant variable has no correlation: three times NaN.
    """
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 4 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return float("nan"), float("nan"), float("nan")
    result = stats.pearsonr(x[both], y[both])
    interval = result.confidence_interval(0.95)
    return float(result.statistic), float(interval.low), float(interval.high)


def score(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Return the scores of (N, 8) probabilities against (N,) labels.

    Classes without an image are left out of balanced accuracy, macro-F1 and the per-class scores.

    Returns
    -------
    dict with n, accuracy, accuracy_ci95, balanced_accuracy, macro_f1, log_loss, and recall, precision and
    support by class name
    """
    predicted = probabilities.argmax(axis=1)
    present = np.unique(labels)
    correct = int(np.sum(predicted == labels))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=present, zero_division=0
    )
    names = [CLASS_NAMES[label] for label in present]
    return {
        "n": len(labels),
        "accuracy": correct / len(labels),
        "accuracy_ci95": list(accuracy_interval(correct, len(labels))),
        "balanced_accuracy": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "log_loss": float(metrics.log_loss(labels, _safe(probabilities), labels=ALL_LABELS)),
        "recall": dict(zip(names, recall.tolist(), strict=True)),
        "precision": dict(zip(names, precision.tolist(), strict=True)),
        "support": dict(zip(names, support.tolist(), strict=True)),
    }


def _safe(probabilities: np.ndarray) -> np.ndarray:
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1)
    safe: np.ndarray = clipped / clipped.sum(axis=1, keepdims=True)
    return safe


def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return (8, 8) counts: rows are the true class, columns the predicted one."""
    matrix: np.ndarray = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), labels=ALL_LABELS)
    return matrix


def confused_pairs(matrix: np.ndarray, count: int = 5) -> pd.DataFrame:
    """Return the ``count`` most frequent errors: true class, predicted class, images, share of the class."""
    rows = [
        (CLASS_NAMES[true], CLASS_NAMES[predicted], int(matrix[true, predicted]), matrix[true].sum())
        for true in range(len(matrix))
        for predicted in range(len(matrix))
        if true != predicted and matrix[true, predicted]
    ]
    pairs = pd.DataFrame(rows, columns=["true class", "predicted as", "images", "of"])
    pairs["share of class"] = pairs["images"] / pairs["of"]
    return pairs.sort_values("images", ascending=False, kind="stable").head(count).reset_index(drop=True)


def compare_models(
    labels: np.ndarray, probabilities: dict[str, np.ndarray], against: str | None = None
) -> pd.DataFrame:
    """Return McNemar's exact test for every pair of models, or for those with ``against``, Holm-corrected.

    McNemar 1947, doi:10.1007/BF02295996; Holm 1979. One row per pair: ``a``, ``b``, ``only_a`` and ``only_b``
    (images that only that model gets right), ``p`` (corrected).
    """
    correct = {name: values.argmax(axis=1) == labels for name, values in probabilities.items()}
    rows = []
    pairs = combinations(correct, 2) if against is None else ((against, b) for b in correct if b != against)
    for a, b in pairs:
        only_a, only_b = int(np.sum(correct[a] & ~correct[b])), int(np.sum(~correct[a] & correct[b]))
        p_value = float(mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue) if only_a + only_b else 1.0
        rows.append((a, b, only_a, only_b, p_value))
    table = pd.DataFrame(rows, columns=["a", "b", "only_a", "only_b", "p"])
    if len(table):
        table["p"] = multipletests(table["p"], method="holm")[1]
    return table
