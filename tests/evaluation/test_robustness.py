"""Robustness against cases worked out by hand: the predictors here answer by rules that the tests can follow."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.evaluation.corruptions import CORRUPTIONS, SEVERITIES, SHIFTS, corrupt, shift_colours
from helpers.evaluation.robustness import (
    corrupt_and_score,
    doubt_of_labels,
    load_external,
    score_external,
    shift_and_score,
    summarise_corruptions,
    with_doubts,
    worst_small_shift,
)

CELLS = draw_cells(24, seed=3)


def by_brightness(images: np.ndarray) -> np.ndarray:
    """Return certain answers: eight equal steps of mean value."""
    return np.eye(8)[np.minimum(images.mean(axis=(1, 2, 3)).astype(int) // 32, 7)]


def always_first(images: np.ndarray) -> np.ndarray:
    return np.eye(8)[np.zeros(len(images), int)]


SCORERS = {"forest": by_brightness, "alexnet": always_first}
LABELS = by_brightness(CELLS.images).argmax(axis=1)


@pytest.fixture(scope="module")
def corrupted() -> pd.DataFrame:
    return corrupt_and_score(SCORERS, CELLS.images, LABELS)


def test_every_model_is_scored_on_every_corrupted_copy(corrupted) -> None:
    assert list(corrupted.columns) == ["model", "corruption", "severity", "accuracy", "n"]
    assert not corrupted.duplicated(["model", "corruption", "severity"]).any()
    assert len(corrupted) == len(SCORERS) * (1 + len(CORRUPTIONS) * len(SEVERITIES))
    assert set(corrupted["n"]) == {24}
    found = corrupted.set_index(["model", "corruption", "severity"])["accuracy"]
    assert found["forest", "none", 0] == 1
    for name in ("brightness down", "bubble"):
        expected = np.mean(by_brightness(corrupt(CELLS.images, name, 2)).argmax(axis=1) == LABELS)
        assert found["forest", name, 2] == expected


def test_every_model_is_scored_on_every_shift() -> None:
    table = shift_and_score(SCORERS, CELLS.images, LABELS)
    assert set(table["shift"]) == set(SHIFTS)
    found = table.set_index(["model", "shift", "amount"])["accuracy"]
    for name, (_, amounts) in SHIFTS.items():
        assert found["forest", name, amounts[len(amounts) // 2]] == 1  # the middle one changes nothing
    shifted = shift_colours(CELLS.images, "brightness", 0.8)
    assert found["forest", "brightness", 0.8] == np.mean(by_brightness(shifted).argmax(axis=1) == LABELS)


def two_corruptions(**accuracies: list[float]) -> pd.DataFrame:
    """Return a table of two corruptions at two severities, after the accuracy on unchanged images."""
    places = [("none", 0), ("fog", 1), ("fog", 2), ("rain", 1), ("rain", 2)]
    rows = [
        (name, *place, accuracy, 100)
        for name, found in accuracies.items()
        for place, accuracy in zip(places, found, strict=True)
    ]
    return pd.DataFrame(rows, columns=["model", "corruption", "severity", "accuracy", "n"])


def test_corruptions_are_summarised_over_severities() -> None:
    table = two_corruptions(alexnet=[0.9, 0.8, 0.6, 0.5, 0.5], cellnet=[1.0, 0.9, 0.8, 0.9, 0.6])
    found = summarise_corruptions(table)
    assert found.loc["cellnet", "clean"] == 1
    assert found.loc["cellnet", "corrupted"] == pytest.approx(0.8)
    assert found.loc["cellnet", "difference"] == pytest.approx(-0.2)
    assert found.loc["cellnet", "worst"] == "rain"
    assert found.loc["cellnet", "under_worst"] == pytest.approx(0.75)
    assert found.index.tolist() == ["cellnet", "alexnet"]  # best first


def test_no_corruption_is_the_worst_where_none_lowers_the_accuracy() -> None:
    found = summarise_corruptions(two_corruptions(alexnet=[0.5] * 5, cellnet=[0.9, 0.8, 0.8, 0.9, 0.9]))
    assert found["worst"].tolist()[0] == "fog"
    assert found.loc["alexnet"].dropna().to_dict() == {"clean": 0.5, "corrupted": 0.5, "difference": 0.0}


def test_the_worst_small_shift_is_found_for_each_model() -> None:
    changed = {
        ("forest", "hue", 10): 0.4,
        ("forest", "hue", 30): 0.1,  # not small
        ("forest", "brightness", 0.9): 0.5,
        ("cellnet", "brightness", 1.1): 0.8,
        ("cellnet", "hue", -10): 1.0,
    }
    rows = [
        (model, shift, amount, changed.get((model, shift, amount), 0.9), 50)
        for model in ("forest", "cellnet")
        for shift, (_, amounts) in SHIFTS.items()
        for amount in reversed(amounts)
    ]
    found = worst_small_shift(pd.DataFrame(rows, columns=["model", "shift", "amount", "accuracy", "n"]))
    assert found.reset_index().to_dict("split")["data"] == [
        ["forest", "hue", 10, 0.9, 0.4, 50],
        ["cellnet", "brightness", 1.1, 0.9, 0.8, 50],
    ]
    assert list(found.columns) == ["shift", "amount", "before", "after", "n"]


def with_confidence(answers: list[int], confidences: list[float]) -> np.ndarray:
    """Return probabilities that give each answer its confidence; the rest is shared evenly."""
    sure = np.array(confidences)[:, None]
    return np.where(np.eye(8)[answers] > 0, sure, (1 - sure) / 7)


def external_scores(labels: list[int], abroad: np.ndarray, home_labels: list[int], home: np.ndarray):
    """Return the scores of one model that gives these probabilities of external and of validation images."""
    study = SimpleNamespace(validation=SimpleNamespace(labels=np.array(home_labels)))
    runs = {"cellnet": [SimpleNamespace(validation_probabilities=lambda: home)]}
    return score_external(study, runs, {"cellnet": abroad}, {"cellnet": 1.0}, np.array(labels))["cellnet"]


def test_answers_accepted_without_review_by_hand() -> None:
    # right, right, right, wrong, wrong; the only error at home is at 0.7
    abroad = with_confidence([0, 0, 1, 2, 2], [0.9, 0.6, 0.95, 0.8, 0.7])
    found = external_scores([0, 0, 1, 1, 1], abroad, [1], abroad[4:])
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["accuracy_ci95"] == pytest.approx(proportion_confint(3, 5, method="wilson"))
    assert found["balanced_accuracy"] == pytest.approx((1 + 1 / 3) / 2)
    assert (found["commonest_class"], found["commonest_share"]) == ("eosinophil", pytest.approx(3 / 5))
    assert found["accepted"] == pytest.approx(3 / 5)  # 0.7 itself is reviewed
    assert found["accepted_accuracy"] == pytest.approx(2 / 3)


def test_a_model_that_accepts_nothing_has_a_gap_and_no_warning(recwarn) -> None:
    abroad = with_confidence([3, 3], [0.9, 0.9])
    found = external_scores([3, 3], abroad, [1], abroad[:1])
    assert np.isnan(found["accepted_accuracy"])
    assert not recwarn.list


def test_an_external_file_must_have_labels(tmp_path) -> None:
    np.savez(tmp_path / "labelled.npz", images=CELLS.images, labels=CELLS.labels)
    np.savez(tmp_path / "bare.npz", images=CELLS.images)
    np.testing.assert_array_equal(load_external(tmp_path / "labelled.npz").labels, CELLS.labels)
    with pytest.raises(InputError, match=r"bare\.npz: no labels found"):
        load_external(tmp_path / "bare.npz")
    with pytest.raises(InputError, match=r"missing\.npz"):
        load_external(str(tmp_path / "missing.npz"))


def test_labels_in_another_order_are_doubted_with_the_order_only_where_an_option_sets_it() -> None:
    right = np.repeat(np.arange(8), 5)
    answers = np.eye(8)[right]
    shifted = (right + 1) % 8
    assert doubt_of_labels(right, answers) == ""
    assert doubt_of_labels(shifted, answers) == (
        "The model agrees with 0.0 % of the labels, but would with 100.0 % if the classes had another order."
    )
    named = doubt_of_labels(np.append(shifted, 255), np.vstack([answers, answers[:1]]), "--classes")
    assert "another order, which --classes platelet,basophil,eosinophil," in named
    assert doubt_of_labels(shifted[:4], answers[:4]) == ""  # too few to say


def test_external_cells_carry_what_makes_them_doubtful() -> None:
    cells = draw_cells(40, seed=4)
    assert cells.labels is not None
    right, shifted = np.eye(8)[cells.labels], np.eye(8)[(cells.labels + 1) % 8]
    looks = {
        share: SimpleNamespace(is_familiar=lambda images, share=share: np.arange(40) < share) for share in (40, 10)
    }
    assert with_doubts(cells, looks[40], right).warnings == ()
    strange, disagreeing = with_doubts(cells, looks[10], shifted).warnings
    assert strange == "75.0 % of these images look like no training image."
    assert "agrees with 0.0 % of the labels" in disagreeing
