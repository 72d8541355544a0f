"""Scores against scikit-learn, SciPy and cases worked out by hand."""

import json

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from helpers.data.constants import CLASS_NAMES
from helpers.evaluation.scores import (
    accuracy_interval,
    bootstrap_intervals,
    compare_models,
    correlation_interval,
    paired_difference,
    score,
    spread_over_seeds,
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
    for name, each in (("precision", metrics.precision_score), ("recall", metrics.recall_score)):
        expected = each(labels, predicted, average=None)
        assert found[name] == pytest.approx(dict(zip(CLASS_NAMES, expected, strict=True)))
    assert tuple(found["accuracy_ci95"]) == accuracy_interval(sum(predicted == labels), 300)
    assert list(found["support"].values()) == np.bincount(labels).tolist()


def test_classes_without_images_do_not_count() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.eye(8)[[0, 0, 1, 5]]
    found = score(labels, probabilities)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["recall"] == {"basophil": 1, "eosinophil": 0.5}
    assert found["support"] == {"basophil": 2, "eosinophil": 2}
    assert found["log_loss"] == pytest.approx(-np.log(1e-7) / 4, rel=1e-4)  # a probability of 0 counts as 1e-7


def test_ranking_and_squared_error_equal_those_of_scikit_learn() -> None:
    labels, probabilities = some_predictions()
    found = score(labels, probabilities)
    assert found["macro_roc_auc"] == pytest.approx(metrics.roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert found["roc_auc"]["monocyte"] == pytest.approx(metrics.roc_auc_score(labels == 5, probabilities[:, 5]))


def test_a_class_that_is_absent_has_no_area_and_one_class_alone_has_none() -> None:
    labels, probabilities = some_predictions()
    two = labels < 2
    found = score(labels[two], probabilities[two])
    assert set(found["roc_auc"]) == {"basophil", "eosinophil"}
    assert found["macro_roc_auc"] == pytest.approx(np.mean(list(found["roc_auc"].values())))
    wrong = score(labels, np.eye(8)[(labels + 1) % 8])
    assert all(isinstance(count, int) for count in wrong["support"].values())  # where nothing is right, too
    alone = score(labels[labels == 4], probabilities[labels == 4])
    assert (alone["macro_roc_auc"], alone["roc_auc"]) == (None, {})
    json.dumps(alone, allow_nan=False)


def test_bootstrap_equals_one_that_draws_images_and_asks_scikit_learn() -> None:
    labels, probabilities = some_predictions(count=150)
    predicted = probabilities.argmax(axis=1)
    generator = np.random.default_rng(1)
    by_hand = []
    for drawn in generator.integers(0, len(labels), (1_000, len(labels))):
        true, answer = labels[drawn], predicted[drawn]
        recall, f1 = metrics.precision_recall_fscore_support(true, answer, labels=np.unique(true), zero_division=0)[1:3]
        by_hand.append((np.mean(true == answer), recall.mean(), f1.mean()))
    expected = np.quantile(by_hand, [0.025, 0.975], axis=0).T
    found = bootstrap_intervals(labels, probabilities)
    assert list(found) == ["accuracy", "balanced_accuracy", "macro_f1"]
    # two samplings of the same distribution: their ends differ by a small part of the interval
    np.testing.assert_allclose(list(found.values()), expected, atol=0.008)


def test_bootstrap_of_a_proportion_is_binomial_and_repeats_itself() -> None:
    labels, probabilities = some_predictions()
    n, accuracy = len(labels), score(labels, probabilities)["accuracy"]
    found = bootstrap_intervals(labels, probabilities)
    expected = stats.binom.ppf([0.025, 0.975], n, accuracy) / n
    np.testing.assert_allclose(found["accuracy"], expected, atol=1.01 / n)
    assert bootstrap_intervals(labels, probabilities) == found


def test_bootstrap_leaves_classes_without_images_out() -> None:
    labels = np.repeat([0, 1], 100)
    probabilities = np.eye(8)[np.where(np.arange(200) % 10 == 0, 5, labels)]
    low, high = bootstrap_intervals(labels, probabilities)["balanced_accuracy"]
    assert low < 0.9 < high
    assert bootstrap_intervals(labels, np.eye(8)[labels])["macro_f1"] == [1, 1]


def test_spread_over_seeds_by_hand() -> None:
    names = ("accuracy", "balanced_accuracy", "macro_f1")
    found = spread_over_seeds([dict.fromkeys(names, value) for value in (0.98, 0.99, 1.0)])
    assert list(found) == list(names)
    assert found["macro_f1"] == pytest.approx({"mean": 0.99, "sd": 0.01, "min": 0.98, "max": 1.0})
    alone = spread_over_seeds([dict.fromkeys(names, 0.5)])["accuracy"]
    assert alone == {"mean": 0.5, "sd": None, "min": 0.5, "max": 0.5}


@pytest.mark.parametrize("correct", [8, 8.5])  # 8.5: the mean of two seeds
def test_interval_by_hand(correct: float) -> None:
    # Wilson's formula for a share p of 10, z = 1.959964: centre (p + z²/20) / (1 + z²/10), half-width by its root
    z, p = stats.norm.ppf(0.975), correct / 10
    centre = (p + z**2 / 20) / (1 + z**2 / 10)
    half = z * np.sqrt(p * (1 - p) / 10 + z**2 / 400) / (1 + z**2 / 10)
    assert accuracy_interval(correct, 10) == pytest.approx((centre - half, centre + half))


@pytest.mark.parametrize("total", [1, 7, 96, 3016])
def test_a_model_without_errors_has_an_interval_that_holds_its_accuracy(total: int) -> None:
    assert accuracy_interval(total, total)[1] == 1.0
    assert accuracy_interval(0, total)[0] == 0.0


def test_correlation_leaves_missing_values_out_and_a_constant_has_none() -> None:
    x, y = np.array([1.0, 2, 3, 4, 5, np.nan]), np.array([2.0, 1, 4, 3, 6, 9])
    r, low, high = correlation_interval(x, y)
    assert r == pytest.approx(np.corrcoef(x[:5], y[:5])[0, 1])
    half = stats.norm.ppf(0.975) / np.sqrt(5 - 3)  # Fisher's z
    assert (low, high) == pytest.approx((np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)))
    assert np.isfinite(correlation_interval(x[:4], y[:4])).all()
    for few in (np.ones(6), np.where(x > 3, np.nan, x)):
        assert np.isnan(correlation_interval(few, y)).all()
        assert np.isnan(correlation_interval(y, few)).all()


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


def test_a_pair_reads_the_same_from_either_side() -> None:
    labels = np.zeros(20, dtype=int)
    right, wrong = np.eye(8)[labels], np.eye(8)[labels + 1]
    pairs = compare_models(labels, {"a": right, "b": wrong, "c": np.vstack([right[:5], wrong[5:]])})
    p = pairs.set_index(["a", "b"])["p"]
    assert paired_difference(pairs, "a", "c") == (15, 0, p["a", "c"])
    assert paired_difference(pairs, "c", "a") == (0, 15, p["a", "c"])


def test_a_class_that_is_never_named_has_no_precision() -> None:
    found = score(np.array([0, 0, 1]), np.tile(np.eye(8)[0], (3, 1)))
    assert found["precision"] == {"basophil": pytest.approx(2 / 3), "eosinophil": None}
    assert found["recall"] == {"basophil": 1, "eosinophil": 0}
