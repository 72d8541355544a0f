"""Scores against scikit-learn, SciPy and cases worked out by hand."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from helpers.evaluation import (
    accuracy_interval,
    compare_models,
    confused_pairs,
    confusion_matrix,
    correlation_interval,
    score,
)


def some_predictions(seed: int = 0, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 8, count)
    raw = generator.random((count, 8)) + 0.6 * np.eye(8)[labels]
    return labels, raw / raw.sum(axis=1, keepdims=True)


def test_scores_equal_those_of_scikit_learn() -> None:
    labels, probabilities = some_predictions()
    predicted = probabilities.argmax(axis=1)
    found = score(labels, probabilities)
    assert found["n"] == 300
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert found["recall"]["platelet"] == pytest.approx(np.mean(predicted[labels == 7] == 7))


def test_classes_without_images_do_not_count() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.eye(8)[[0, 0, 1, 5]]
    found = score(labels, probabilities)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert set(found["recall"]) == {"basophil", "eosinophil"}


def test_interval_by_hand() -> None:
    # Wilson's formula for 8 of 10, z = 1.959964: centre (0.8 + z²/20) / (1 + z²/10), half-width by its root
    z = stats.norm.ppf(0.975)
    centre = (0.8 + z**2 / 20) / (1 + z**2 / 10)
    half = z * np.sqrt(0.8 * 0.2 / 10 + z**2 / 400) / (1 + z**2 / 10)
    assert accuracy_interval(8, 10) == pytest.approx((centre - half, centre + half))


def test_correlation_leaves_missing_values_out_and_a_constant_has_none() -> None:
    x, y = np.array([1.0, 2, 3, 4, 5, np.nan]), np.array([2.0, 1, 4, 3, 6, 9])
    r, low, high = correlation_interval(x, y)
    assert r == pytest.approx(np.corrcoef(x[:5], y[:5])[0, 1])
    assert low < r < high
    assert np.isnan(correlation_interval(np.ones(6), y)).all()


def test_paired_comparison_by_hand() -> None:
    # a alone is right on 9 images, b alone on 1: the exact test is binomial, 2 * P(X <= 1 | 10, 1/2)
    labels = np.zeros(20, int)
    a, b = np.zeros((20, 8)), np.zeros((20, 8))
    a[:, 0] = b[:, 0] = 1
    a[0], b[1:10] = np.eye(8)[1], np.eye(8)[1]
    row = compare_models(labels, {"a": a, "b": b}).iloc[0]
    assert (row["only_a"], row["only_b"]) == (9, 1)
    assert row["p"] == pytest.approx(2 * stats.binom.cdf(1, 10, 0.5))


def test_holm_multiplies_the_smallest_p_by_the_number_of_pairs() -> None:
    labels = np.zeros(40, int)
    right, half, wrong = np.zeros((3, 40, 8))
    right[:, 0] = 1
    half[:20, 0], half[20:, 1] = 1, 1
    wrong[:, 1] = 1
    table = compare_models(labels, {"right": right, "half": half, "wrong": wrong}).set_index(["a", "b"])
    assert table.loc[("right", "wrong"), "p"] == pytest.approx(3 * 2 * 0.5**40)


def test_equal_models_do_not_differ() -> None:
    labels, probabilities = some_predictions()
    assert compare_models(labels, {"a": probabilities, "b": probabilities})["p"][0] == 1


def test_confused_pairs_are_the_largest_off_diagonal_counts() -> None:
    labels = np.array([3, 3, 3, 6, 6, 0])
    probabilities = np.eye(8)[[6, 6, 3, 3, 6, 0]]
    pairs = confused_pairs(confusion_matrix(labels, probabilities))
    first = pairs.iloc[0]
    assert (first["true class"], first["predicted as"], first["images"]) == (
        "immature granulocyte",
        "neutrophil",
        2,
    )
    assert first["share of class"] == pytest.approx(2 / 3)
    assert len(pairs) == 2
