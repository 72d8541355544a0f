"""The sentences of the answer hold this run's numbers, read well, and say nothing that the run does not show."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.claims import VERDICTS
from helpers.data.split import split_cells
from helpers.data.synthetic import draw_cells
from helpers.evaluation.scores import compare_models
from helpers.report.results import describe_data
from helpers.report.summary import summarise
from helpers.study import Study

ACCURACIES = {"forest": 0.8, "lenet_custom": 0.85, "handcrafted_best": 0.9, "cellnet": 0.95}


def summary(study: Study, verdicts: list[str] | None = None, **of_cellnet: object) -> dict[str, Any]:
    """Return the summary where models are right on the first images, as many as their accuracy says."""
    labels = np.zeros(200, int)
    answers = {name: (np.arange(200) >= 200 * accuracy).astype(int) for name, accuracy in ACCURACIES.items()}
    pairs = compare_models(labels, {name: np.eye(8)[answer] for name, answer in answers.items()})
    models = {
        name: {
            "val_accuracy": value - 0.01,
            "test_accuracy": value,
            "test_accuracy_ci95": [value - 0.02, value + 0.02],
            "n": 200,
            "seeds": [0, 1],
        }
        for name, value in ACCURACIES.items()
    }
    models["cellnet"] |= of_cellnet
    claims = [{"verdict": verdict} for verdict in verdicts or ["refuted"] * 16]
    return summarise({"data": describe_data(study), "models": models, "claims": claims}, pairs)


@pytest.fixture
def real(tmp_path: Path) -> Study:
    """Return a study of cells that pass for real ones."""
    cells = replace(draw_cells(64), source="cells.npz", is_synthetic=False)
    return Study(cells, split_cells(cells), "smoke", tmp_path)


def test_the_splits_and_the_copies_left_out_add_up_to_all_images(tmp_path: Path) -> None:
    cells = draw_cells(64)
    assert cells.labels is not None
    for copies, left_out in (
        (0, ""),
        (1, "We left out 1 image because"),
        (3, "We left out 3 images because"),
    ):
        more = replace(
            cells,
            images=np.concatenate([cells.images, cells.images[:copies]]),
            labels=np.concatenate([cells.labels, cells.labels[:copies]]),
        )
        counts = summary(Study(more, split_cells(more), "smoke", tmp_path))["findings"][-2]
        total, *splits = map(int, re.findall(r"\d+", counts))
        assert sum(splits) == total == len(more)
        assert ("We left out" in counts) == bool(copies)
        assert left_out in counts


def test_the_answer_is_one_sentence_about_images_and_claims(real: Study) -> None:
    assert summary(real)["answer"] == (
        "cellnet classifies 95.0 % of the 200 test images correctly (95 % CI 93.0–97.0 %, mean of 2 seeds), and none "
        "of the original report’s sixteen claims hold."
    )
    mixed = ["confirmed", VERDICTS[1], *14 * ["refuted"]]
    assert summary(real, mixed)["answer"].endswith(
        "two of the original report’s sixteen claims hold, some with reservation."
    )
    one = summary(real, [VERDICTS[1], *15 * ["refuted"]], seeds=[0])["answer"]
    assert one.endswith("97.0 %), and one of the original report’s sixteen claims holds, with reservation.")


@pytest.mark.parametrize(("accuracy", "words"), [(0.25, "but only 25.0 %"), (0.94, "and 94.0 %")])
def test_the_answer_does_not_hide_another_laboratory(real: Study, accuracy: float, words: str) -> None:
    external = {"accuracy": accuracy, "accuracy_ci95": [0.2, 0.3], "n": 334}
    external |= {"commonest_class": "neutrophil", "commonest_share": 0.488}
    told = summary(real, external=external)
    assert f"seeds), {words} of 334 cells from another laboratory, and none" in told["answer"]
    assert any("95 % interval of 20.0–30.0 %" in finding for finding in told["findings"])
    assert any("“neutrophil” would be correct for 48.8 %." in finding for finding in told["findings"])
    assert any("no cells from another laboratory" in finding for finding in summary(real)["findings"])


@pytest.mark.parametrize(
    ("shift", "amount", "words"),
    [
        ("brightness", 1.1, "When the images are 10 % brighter, its"),
        ("brightness", 0.9, "When the images are 10 % darker, its"),
        ("red stain", 0.8, "When the red stain is 20 % weaker, its"),
        ("hue", -10, "When hues are turned by 10 degrees, its"),
    ],
)
def test_what_breaks_the_recommended_model_stands_beside_its_recommendation(
    real: Study, shift: str, amount: float, words: str
) -> None:
    colour_shift = {"shift": shift, "amount": amount, "before": 0.98, "after": 0.3, "n": 60}
    robustness = {"worst": "motion blur", "under_worst": 0.35, "clean": 1.0, "n": 60}
    told = summary(real, colour_shift=colour_shift, robustness=robustness)["recommendation"]
    assert told.startswith("cellnet does best on the validation images, so we recommend it for images like these.")
    assert f"{words} accuracy falls from 98.0 % to 30.0 % (95 % CI 19.9–42.5 %, n = 60)." in told
    assert "(motion blur) it is 35.0 % on average over severities (95 % CI 24.2–47.6 %, n = 60)." in told


def test_where_nothing_was_measured_nothing_is_said_to_break_the_model(real: Study) -> None:
    untouched = {"shift": "hue", "amount": 10, "before": 0.9, "after": 0.9, "n": 60}
    for measured in ({}, {"colour_shift": untouched, "robustness": {"clean": 1.0, "n": 60}}):
        assert summary(real, **measured)["recommendation"].endswith("for images like these.")


def test_the_runner_up_comes_last_with_the_tested_difference(real: Study) -> None:
    report, *_, second = summary(real)["findings"]
    assert "custom LeNet reaches 84.0 %, where 94.0 % was reported" in report
    assert "random forest reaches 79.0 %, where 87 % was reported." in report
    assert second.startswith("The support vector machine, the second best on validation images, classifies 90.0 %")
    assert (
        "cellnet makes significantly fewer errors (McNemar’s test with Holm’s correction, p = " in second
    )  # 10 images to 0


def test_synthetic_images_stand_beside_no_number_of_the_original_report(tmp_path: Path) -> None:
    cells = draw_cells(64)
    undecided = [VERDICTS[-1]] * 16
    told = summary(Study(cells, split_cells(cells), "smoke", tmp_path), undecided)
    assert told["tally"] == "None of the original report’s sixteen claims can be decided on synthetic images."
    assert "of the 200 synthetic test images" in told["answer"]
    text = str(told)
    assert "sixteen claims hold" not in text
    assert "94.0 %" not in text
    assert "87 %" not in text


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        (16 * ["refuted"], "sixteen are refuted."),
        (["confirmed"] + 15 * ["not confirmed"], "one is confirmed and fifteen are not confirmed."),
        (
            [*3 * ["confirmed"], *12 * [VERDICTS[1]], VERDICTS[-1]],
            "three are confirmed, twelve are confirmed with reservation and one cannot be decided on these data.",
        ),
        (16 * [VERDICTS[-1]], "None of the original report’s sixteen claims can be decided on these data."),
    ],
)
def test_the_tally_of_claims_reads_well_at_one_and_many(real: Study, verdicts: list[str], text: str) -> None:
    assert summary(real, verdicts)["tally"].endswith(text)
