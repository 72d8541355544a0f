"""How good a model is: scores with intervals, paired tests between models, calibration, and what a human should review.

``labels`` are (N,) integers and ``probabilities`` (N, 8) throughout, or (N, 8) by model name for the same N images. The
confidence of an image is its largest probability.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from helpers.data import CLASS_NAMES

Scores = dict[str, dict[str, Any]]  # by name, what `score` returns or the "models" of results.json hold

RESAMPLES = 10_000  # bootstrap resamples; another seed moves an interval's end by about a hundredth of its width


def accuracy_interval(correct: float, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of ``correct``, which need not be whole, out of ``total`` images.

    It depends on no seed, and keeps its width where no image, or every image, is an error: there a bootstrap's
    interval is a single point. Wilson 1927, doi:10.2307/2276774.
    """
    low, high = proportion_confint(correct, total, alpha=0.05, method="wilson")
    # rounding put the interval of 96 of 96 an ulp below 1
    return min(float(low), correct / total), max(float(high), correct / total)


def correlation_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return Pearson's r and its 95 % interval (Fisher's z), without missing values; of a constant, NaN three times."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 4 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return np.nan, np.nan, np.nan
    result = stats.pearsonr(x[both], y[both])
    return result.statistic, *result.confidence_interval(0.95)


def score(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Return n, accuracy, accuracy_ci95 (Wilson), balanced_accuracy, macro_f1, macro_roc_auc and log_loss.

    And recall, precision, roc_auc and support by class name. Classes without an image are left out of these and of
    every mean over classes. ROC-AUC sets each class against all others; where all images are of one class there is
    none, and its mean is None. So is the precision of a class that is never predicted.
    """
    predicted = probabilities.argmax(axis=1)
    present = np.unique(labels)
    correct = int(np.sum(predicted == labels))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=present, zero_division=np.nan
    )
    names = [CLASS_NAMES[label] for label in present]
    safe = safe_probabilities(probabilities)
    compared = present if len(present) > 1 else present[:0]
    areas = [float(metrics.roc_auc_score(labels == label, probabilities[:, label])) for label in compared]
    return {
        "n": len(labels),
        "accuracy": correct / len(labels),
        "accuracy_ci95": list(accuracy_interval(correct, len(labels))),
        "balanced_accuracy": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "macro_roc_auc": float(np.mean(areas)) if areas else None,
        "log_loss": float(metrics.log_loss(labels, safe, labels=range(8))),
        "recall": dict(zip(names, recall.tolist(), strict=True)),
        "precision": {name: None if p != p else float(p) for name, p in zip(names, precision, strict=True)},
        "roc_auc": dict(zip(names, areas, strict=False)),
        "support": dict(zip(names, np.bincount(labels)[present].tolist(), strict=True)),
    }


def safe_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return (N, 8) probabilities as float64, none below 1e-7, each row with sum 1: all have a logarithm."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True))


def bootstrap_intervals(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, list[float]]:
    """Return 95 % percentile intervals of accuracy, balanced accuracy and macro-F1, bootstrapped over the images.

    These scores depend on the confusion counts only, and the counts of N images drawn with replacement are
    multinomial: one draw of 64 counts stands for one resample of the images. As in `score`, a class that a resample
    misses is left out of its means. Efron & Tibshirani 1993, doi:10.1201/9780429246593.
    """
    counts = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(8))
    drawn = np.random.default_rng(0).multinomial(len(labels), counts.ravel() / len(labels), size=RESAMPLES)
    matrices = drawn.reshape(RESAMPLES, *counts.shape).astype(np.float64)
    right = np.diagonal(matrices, axis1=1, axis2=2)
    true, predicted = matrices.sum(axis=2), matrices.sum(axis=1)
    absent = np.where(true > 0, 1, np.nan)
    samples = {
        "accuracy": right.sum(axis=1) / len(labels),
        "balanced_accuracy": np.nanmean(absent * right / np.maximum(true, 1), axis=1),
        "macro_f1": np.nanmean(absent * 2 * right / np.maximum(true + predicted, 1), axis=1),
    }
    return {name: np.quantile(values, [0.025, 0.975]).tolist() for name, values in samples.items()}


def spread_over_seeds(scores: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Return mean, sd (over n - 1; None for one seed), min and max over seeds of three of what `score` returns."""
    spread = pd.DataFrame(scores)[["accuracy", "balanced_accuracy", "macro_f1"]].agg(["mean", "std", "min", "max"])
    return dict(spread.rename({"std": "sd"}).astype(object).where(spread.notna().to_numpy(), None).to_dict())


def compare_models(labels: np.ndarray, probabilities: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return McNemar's exact test for every pair of models, Holm-corrected over all of them.

    McNemar 1947, doi:10.1007/BF02295996; Holm 1979. One row per pair: ``a``, ``b``, ``only_a`` and ``only_b``
    (images that only that model gets right), ``p`` (corrected).
    """
    correct = {name: values.argmax(axis=1) == labels for name, values in probabilities.items()}
    rows = []
    for a, b in combinations(correct, 2):
        only_a, only_b = int(np.sum(correct[a] & ~correct[b])), int(np.sum(~correct[a] & correct[b]))
        rows.append((a, b, only_a, only_b, mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue))
    table = pd.DataFrame(rows, columns=["a", "b", "only_a", "only_b", "p"])
    return table.assign(p=multipletests(table["p"], method="holm")[1])


def paired_difference(pairs: pd.DataFrame, a: str, b: str) -> tuple[int, int, float]:
    """Return how many images only ``a`` and only ``b`` gets right, and p, from the table of `compare_models`."""
    row = pairs[(pairs["a"].isin((a, b))) & (pairs["b"].isin((a, b)))].iloc[0]
    only_a, only_b = (row["only_a"], row["only_b"])[:: 1 if row["a"] == a else -1]
    return int(only_a), int(only_b), float(row["p"])


def shared_errors(labels: np.ndarray, probabilities: dict[str, np.ndarray], index: np.ndarray) -> pd.DataFrame:
    """Return the images that every model gets wrong, the least probable label first: candidates for a wrong label.

    One row per image: ``index`` (its position in the data, from the (N,) ``index``), ``true class``, the class that
    each model predicts, ``same answer`` (whether all predict the same), ``p(true class)`` (mean over the models).
    """
    names = np.array(CLASS_NAMES)
    answers = {name: names[values.argmax(axis=1)] for name, values in probabilities.items()}
    table = pd.DataFrame({"index": index, "true class": names[labels]} | answers)
    table["same answer"] = table[list(answers)].nunique(axis=1) == 1
    p_true = [values[np.arange(len(labels)), labels] for values in probabilities.values()]
    table["p(true class)"] = np.mean(p_true, axis=0)
    wrong_in_all = table[list(answers)].ne(table["true class"], axis=0).all(axis=1)
    return table[wrong_in_all].sort_values("p(true class)", kind="stable", ignore_index=True)


def _confidence(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each image's largest probability, (N,) float64, and whether that class is the true one."""
    return probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the distance of accuracy from confidence, averaged over bins by their images, in [0, 1].

    There are fifteen equally wide bins of confidence, each closed above. Naeini et al. 2015,
    doi:10.1609/aaai.v29i1.9602; Guo et al. 2017, arXiv:1706.04599.
    """
    confidence, correct = _confidence(labels, probabilities)
    bins = np.digitize(confidence, np.linspace(0, 1, 16)[1:-1], right=True)
    return float(np.abs(np.bincount(bins, correct - confidence)).sum() / len(labels))


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature in [0.05, 20] at which (N, 8) validation probabilities have the smallest log loss.

    Above 1 where a model is overconfident. Log-probabilities stand for logits, from which they differ by a
    constant per image, so this serves any model (Guo et al. 2017); a probability of 0 counts as 1e-7.
    """
    logits = np.log(safe_probabilities(probabilities))

    def log_loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return (N, 8) float64 probabilities at ``temperature``; the largest of an image stays the largest."""
    return np.asarray(softmax(np.log(safe_probabilities(probabilities)) / temperature, axis=1))


def review_until(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the share of images reviewed when each error is found, (errors,), the least confident images first."""
    confidence, correct = _confidence(labels, probabilities)
    return (np.flatnonzero(~correct[np.argsort(confidence, kind="stable")]) + 1) / len(labels)


def review_rules(
    labels: np.ndarray, probabilities: np.ndarray, test_labels: np.ndarray, test_probabilities: np.ndarray
) -> pd.DataFrame:
    """Return what a human who reviews every test image up to a confidence finds, a row per rule.

    The rules are set to catch 50, 80, 90 and 95 % of the validation errors, and the index says which. The columns:
    threshold (the smallest confidence up to which that share of them lies, 0 without any), reviewed (share of images),
    errors_seen and errors (counts), share_seen, share_seen_low and share_seen_high (of the errors, 95 %; NaN without
    errors), rest_accuracy (of the images not reviewed; NaN without).
    """
    known, known_correct = _confidence(labels, probabilities)
    confidence, correct = _confidence(test_labels, test_probabilities)
    known_errors = [0.0] if known_correct.all() else known[~known_correct]
    errors, rows = np.sum(~correct), {}
    for share in (0.5, 0.8, 0.9, 0.95):
        threshold = float(np.quantile(known_errors, share, method="inverted_cdf"))
        is_reviewed = confidence <= threshold
        seen, rest = np.sum(is_reviewed & ~correct), pd.Series(correct)[~is_reviewed].mean()
        shares = (seen / errors, *accuracy_interval(seen, errors)) if errors else 3 * (np.nan,)
        rows[f"{100 * share:.0f} %"] = (threshold, is_reviewed.mean(), seen, errors, *shares, rest)
    columns = ["threshold", "reviewed", "errors_seen", "errors"]
    columns += ["share_seen", "share_seen_low", "share_seen_high", "rest_accuracy"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("errors to catch")
