"""The sentences of the answer hold this run's numbers, read well, and say nothing that the run does not show."""

import re
from dataclasses import replace
from pathlib import Path

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


def sentences(study: Study, verdicts: list[str] | None = None, **of_cellnet: object) -> list[str]:
    """Return the answer where models are right on the first images, as many as their accuracy says."""
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
        counts = sentences(Study(more, split_cells(more), "smoke", tmp_path))[-2]
        total, *splits = map(int, re.findall(r"\d+", counts))
        assert sum(splits) == total == len(more)
        assert ("We left out" in counts) == bool(copies)
        assert left_out in counts


def test_the_answer_comes_first_and_the_runner_up_last_with_the_tested_difference(real: Study) -> None:
    best, report, *_, second = sentences(real)
    assert best == (
        "cellnet, the best model on validation images, classifies 95.0 % of the 200 test images correctly, on average "
        "over 2 seeds (95 % CI 93.0–97.0 %)."
    )
    assert "custom LeNet reaches 84.0 %, where 94.0 % was reported" in report
    assert "random forest reaches 79.0 %, where 87 % was reported." in report
    assert second.startswith(
        "The support vector machine, the second best on validation images, classifies 90.0 %"
    )
    assert (
        "cellnet makes significantly fewer errors (McNemar’s test with Holm’s correction, p = " in second
    )  # 10 images to 0
    assert "over" not in sentences(real, seeds=[0])[0]


def test_synthetic_images_stand_beside_no_number_of_the_original_report(tmp_path: Path) -> None:
    cells = draw_cells(64)
    undecided = [VERDICTS[-1]] * 16
    text = " ".join(sentences(Study(cells, split_cells(cells), "smoke", tmp_path), undecided))
    assert "None of the original report’s sixteen claims can be decided on synthetic images." in text
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
    assert sentences(real, verdicts)[2].endswith(text)


def test_what_breaks_the_model_is_told_where_it_was_measured(real: Study) -> None:
    assert len(sentences(real)) == 6
    assert "no cells from another laboratory" in sentences(real)[3]
    external = {"accuracy": 0.25, "accuracy_ci95": [0.2, 0.3], "n": 334}
    external |= {"commonest_class": "neutrophil", "commonest_share": 0.488}
    robustness = {"worst": "motion blur", "under_worst": 0.35, "clean": 1.0, "n": 60}
    told = sentences(real, external=external, robustness=robustness)
    assert told[3].startswith(
        "cellnet classifies 25.0 % of 334 cells from another laboratory correctly (95 % CI 20.0"
    )
    assert "“neutrophil” would be correct for 48.8 %." in told[3]
    assert (
        "35.0 % of 60 test images correctly, on average over severities, under the corruption that harms it most"
        in told[4]
    )
    assert len(told) == 7
