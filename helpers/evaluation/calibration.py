"""Whether a model is calibrated, how to calibrate it, and which images a human should review.

``labels`` are (N,) integers and ``probabilities`` (N, 8) throughout; the confidence of an image is its largest one.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from helpers.evaluation.scores import RESAMPLES, accuracy_interval, safe_probabilities

EDGES = np.linspace(0, 1, 16)
"""Fifteen equally wide bins of confidence, each closed above (Guo et al. 2017, arXiv:1706.04599)."""


def _confidence(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each image's largest probability, (N,) float64, and whether that class is the true one."""
    return probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the distance of accuracy from confidence, averaged over the bins by their images, in [0, 1].

    Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602; Guo et al. 2017.
    """
    confidence, correct = _confidence(labels, probabilities)
    bins = np.digitize(confidence, EDGES[1:-1], right=True)
    return float(np.abs(np.bincount(bins, correct - confidence)).sum() / len(labels))


def chance_calibration_error(probabilities: np.ndarray) -> float:
    """Return the error that 95 of 100 perfectly calibrated models of these confidences stay below, on N images.

    A mean of distances is above 0 by chance alone, and a bootstrap would add chance to chance: its interval lies
    too high. Here each image is right with the probability it was given (Bröcker & Smith 2007,
    doi:10.1175/WAF993.1).
    """
    confidence = np.sort(probabilities.max(axis=1).astype(np.float64))
    starts = np.flatnonzero(np.diff(np.digitize(confidence, EDGES[1:-1], right=True), prepend=-1))
    generator = np.random.default_rng(0)
    errors = [
        np.abs(np.add.reduceat((generator.random(len(confidence)) < confidence) - confidence, starts)).sum()
        for _ in range(RESAMPLES)
    ]
    return float(np.quantile(errors, 0.95) / len(confidence))


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


def choose_threshold(labels: np.ndarray, probabilities: np.ndarray, share: float) -> float:
    """Return the smallest confidence at or below which lies that share of validation errors; 0 without errors."""
    confidence, correct = _confidence(labels, probabilities)
    errors = confidence[~correct]
    return float(np.quantile(errors, share, method="inverted_cdf")) if len(errors) else 0.0


def review_rules(
    labels: np.ndarray, probabilities: np.ndarray, test_labels: np.ndarray, test_probabilities: np.ndarray
) -> pd.DataFrame:
    """Return what a human who reviews every test image up to a confidence finds, a row per rule.

    The rules are set to catch 50, 80, 90 and 95 % of the validation errors, and the index says which. The columns:
    threshold, reviewed (share of images), errors_seen and errors (counts), share_seen, share_seen_low and
    share_seen_high (of the errors, 95 %; NaN without errors), rest_accuracy (of the images not reviewed; NaN without).
    """
    confidence, correct = _confidence(test_labels, test_probabilities)
    errors, rows = np.sum(~correct), {}
    for share in (0.5, 0.8, 0.9, 0.95):
        threshold = choose_threshold(labels, probabilities, share)
        is_reviewed = confidence <= threshold
        seen, rest = np.sum(is_reviewed & ~correct), pd.Series(correct)[~is_reviewed].mean()
        shares = (seen / errors, *accuracy_interval(seen, errors)) if errors else 3 * (np.nan,)
        rows[f"{100 * share:.0f} %"] = (threshold, is_reviewed.mean(), seen, errors, *shares, rest)
    columns = ["threshold", "reviewed", "errors_seen", "errors"]
    columns += ["share_seen", "share_seen_low", "share_seen_high", "rest_accuracy"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("errors to catch")
