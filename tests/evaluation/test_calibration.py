"""Calibration against hand-made cases, scikit-learn and models whose calibration is known by construction."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from helpers.evaluation.scores import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    review_rules,
    review_until,
)


def calibrated_model(count: int, seed: int = 0, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the very probabilities that the model gives."""
    generator = np.random.default_rng(seed)
    probabilities = softmax(spread * generator.normal(size=(count, 8)), axis=1)
    drawn = (probabilities.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return drawn, probabilities


def with_confidence(confidences: list[float]) -> np.ndarray:
    """Probabilities whose first class has the given ones; the rest is shared evenly."""
    first = np.array(confidences)[:, None]
    return np.hstack([first, np.repeat((1 - first) / 7, 7, axis=1)])


def test_calibration_error_by_hand() -> None:
    # two images at 0.9, one of them right; two at 0.5, both right: (2 |0.5 - 0.9| + 2 |1 - 0.5|) / 4
    probabilities = with_confidence([0.9, 0.9, 0.5, 0.5])
    assert expected_calibration_error(np.array([0, 1, 0, 0]), probabilities) == pytest.approx(0.45)


def test_calibration_error_equals_a_plain_loop() -> None:
    labels, probabilities = calibrated_model(2_000)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            expected += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(labels, probabilities) == pytest.approx(expected)


def test_certain_answers_have_a_bin_and_an_error_of_their_own() -> None:
    certain = np.eye(8)[[0, 0]].astype(np.float32)
    assert expected_calibration_error(np.array([0, 1]), certain) == 0.5
    assert expected_calibration_error(np.array([0, 0]), certain) == 0


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(sharpness: float) -> None:
    labels, probabilities = calibrated_model(20_000)
    distorted = softmax(sharpness * np.log(probabilities), axis=1)
    found = fit_temperature(labels, distorted)
    assert found == pytest.approx(sharpness, rel=0.05)
    repaired = apply_temperature(distorted, found)
    assert expected_calibration_error(labels, repaired) < 0.015  # of 20,000 images, so little is chance


def test_no_other_temperature_has_a_smaller_log_loss() -> None:
    labels, probabilities = calibrated_model(300, spread=1.0)
    distorted = softmax(2.5 * np.log(probabilities), axis=1).astype(np.float32)
    best = metrics.log_loss(labels, apply_temperature(distorted, fit_temperature(labels, distorted)))
    others = [metrics.log_loss(labels, apply_temperature(distorted, t)) for t in np.geomspace(0.05, 20, 300)]
    assert best <= min(others) + 1e-7


def test_temperature_1_changes_nothing_and_none_changes_an_answer() -> None:
    _, probabilities = calibrated_model(500)
    np.testing.assert_allclose(apply_temperature(probabilities, 1), probabilities, atol=1e-6)
    for temperature in (0.05, 0.7, 4, 20):
        scaled = apply_temperature(probabilities, temperature)
        np.testing.assert_allclose(scaled.sum(axis=1), 1)
        np.testing.assert_array_equal(scaled.argmax(axis=1), probabilities.argmax(axis=1))


def test_a_forest_without_a_vote_for_the_right_class_can_be_calibrated() -> None:
    votes = np.random.default_rng(0).multinomial(100, [0.9] + [0.1 / 7] * 7, size=400) / 100
    labels = np.where(np.arange(400) < 360, 0, 7)
    assert (votes[labels == 7, 7] == 0).any()
    temperature = fit_temperature(labels, votes)
    assert 0.05 < temperature < 20
    assert np.isfinite(apply_temperature(votes, temperature)).all()


def test_a_model_without_an_error_stays_within_bounds() -> None:
    labels = np.arange(8)
    assert fit_temperature(labels, 0.3 * np.eye(8) + 0.7 / 8) == pytest.approx(0.05, rel=0.01)


def test_review_by_hand() -> None:
    # the errors are at 0.3, 0.5 and 0.8
    probabilities = with_confidence([0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
    labels = np.array([1, 0, 1, 0, 1, 0])
    rules = review_rules(labels, probabilities, labels, probabilities)
    assert rules["threshold"].tolist() == [0.5, 0.8, 0.8, 0.8]
    rule = rules.loc["50 %"]
    assert rule.drop(["share_seen_low", "share_seen_high"]).to_dict() == {
        "threshold": 0.5, "reviewed": 0.5, "errors_seen": 2, "errors": 3, "share_seen": pytest.approx(2 / 3),
        "rest_accuracy": pytest.approx(2 / 3),
    }  # fmt: skip
    assert rule["share_seen_low"] < 2 / 3 < rule["share_seen_high"]
    assert review_until(labels, probabilities).tolist() == pytest.approx([1 / 6, 3 / 6, 5 / 6])


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 0.95])
def test_a_threshold_catches_its_share_of_the_errors_it_was_chosen_on(share: float) -> None:
    labels, probabilities = calibrated_model(700)
    rule = review_rules(labels, probabilities, labels, probabilities).loc[f"{100 * share:.0f} %"]
    assert share <= rule["errors_seen"] / rule["errors"] <= share + 1 / rule["errors"]


def test_review_without_errors_reviews_nothing() -> None:
    labels, probabilities = np.zeros(2, int), with_confidence([0.6, 0.9])
    rule = review_rules(labels, probabilities, labels, probabilities).loc["80 %"]
    assert (rule["threshold"], rule["reviewed"], rule["errors"], rule["rest_accuracy"]) == (0, 0, 0, 1)
    assert np.isnan(rule["share_seen"])
    assert not len(review_until(labels, probabilities))
    # a validation error above the confidence of all test images: all of them are reviewed
    everything = review_rules(labels + 1, np.eye(8)[labels], labels, probabilities)
    assert everything["rest_accuracy"].isna().all()
