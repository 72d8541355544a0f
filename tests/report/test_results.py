"""The five sentences of the answer hold this run's numbers, and these add up."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from helpers.data.split import split_cells
from helpers.data.synthetic import draw_cells
from helpers.evaluation.scores import compare_models
from helpers.report.results import describe_data
from helpers.report.summary import summarise
from helpers.study import Study

ACCURACIES = {"forest": 0.8, "lenet_custom": 0.85, "handcrafted_best": 0.9, "cellnet": 0.95}


def sentences(study: Study) -> list[str]:
    """Return the answer where models are right on the first images, as many as their accuracy says."""
    labels = np.zeros(200, int)
    answers = {name: (np.arange(200) >= 200 * accuracy).astype(int) for name, accuracy in ACCURACIES.items()}
    pairs = compare_models(labels, {name: np.eye(8)[answer] for name, answer in answers.items()})
    models = {
        name: {
            "val_accuracy": value,
            "test_accuracy": value,
            "test_accuracy_ci95": [0, 1],
            "test_accuracy_by_seed": [value + 0.01, value - 0.01],
            "seeds": [0, 1],
        }
        for name, value in ACCURACIES.items()
    }
    results = {"data": describe_data(study), "models": models, "claims": [{"verdict": "refuted"}] * 16}
    return summarise(results, pairs)


def test_the_parts_and_the_copies_left_out_add_up_to_all_images(tmp_path: Path) -> None:
    cells = draw_cells(64)
    assert cells.labels is not None
    twice = replace(
        cells,
        images=np.concatenate([cells.images, cells.images[:3]]),
        labels=np.concatenate([cells.labels, cells.labels[:3]]),
    )
    for drawn, count in ((cells, 4), (twice, 5)):
        first = sentences(Study(drawn, split_cells(drawn), "smoke", tmp_path))[0]
        total, *parts = (int(number) for number in re.findall(r"(?<![×\d])\d+(?![×\d])", first))
        assert sum(parts) == total == len(drawn)
        assert len(parts) == count - 1


def test_the_model_named_first_is_the_one_best_on_validation_and_the_difference_is_tested(tmp_path) -> None:
    cells = draw_cells(64)
    _, best, _, report, verdicts = sentences(Study(cells, split_cells(cells), "smoke", tmp_path))
    assert "cellnet): test accuracy 0.9500" in best
    assert "handcrafted_best) with 0.9000 [0.0000, 1.0000], worse (first seeds" in best  # 10 images to 0
    assert "(first seeds, 0.9600 and 0.9100, McNemar" in best
    assert "0.8500" in report
    assert "0.8000" in report
    assert "16 refuted" in verdicts
