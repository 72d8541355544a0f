"""The images that every model gets wrong."""

import numpy as np
import pytest

from helpers.evaluation.scores import shared_errors


def answers(classes: list[int], confidence: float = 0.9) -> np.ndarray:
    others = (1 - confidence) / 7
    return others + (confidence - others) * np.eye(8)[classes]


def test_images_that_every_model_gets_wrong() -> None:
    labels = np.array([3, 3, 6, 0])
    models = {"forest": answers([6, 6, 3, 0]), "cellnet": answers([6, 3, 5, 1], 0.65)}
    table = shared_errors(labels, models, np.array([10, 11, 12, 13]))
    assert table["index"].tolist() == [10, 12]
    assert table["true class"].tolist() == ["immature granulocyte", "neutrophil"]
    assert table["forest"].tolist() == ["neutrophil", "immature granulocyte"]
    assert table["cellnet"].tolist() == ["neutrophil", "monocyte"]
    assert table["same answer"].tolist() == [True, False]
    assert table["p(true class)"].tolist() == pytest.approx([(0.1 / 7 + 0.05) / 2] * 2)


def test_the_least_probable_label_comes_first() -> None:
    labels = np.array([0, 0])
    sure = np.concatenate([answers([1], 0.5), answers([1], 0.9)])
    assert shared_errors(labels, {"forest": sure}, np.array([4, 9]))["index"].tolist() == [9, 4]


def test_no_shared_error_gives_an_empty_table_with_its_columns() -> None:
    table = shared_errors(np.array([0]), {"forest": answers([0])}, np.array([0]))
    assert len(table) == 0
    assert list(table) == ["index", "true class", "forest", "same answer", "p(true class)"]
