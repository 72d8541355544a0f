"""Galleries hold the images that they speak of, and say what is true of them."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers.data import CLASS_NAMES, Part
from helpers.figures import publish, show_errors, show_examples
from helpers.figures.galleries import CELLS

LABELS = np.array([0, 0, 1, 1, 2, 2])


def shades(count: int) -> np.ndarray:
    """Return images (count, 48, 48, 3) of one shade each, 20 apart."""
    return np.repeat(np.arange(count, dtype=np.uint8) * 20, 48 * 48 * 3).reshape(count, 48, 48, 3)


def probabilities(answers: list[int], confidences: list[float]) -> np.ndarray:
    rest = (1 - np.array(confidences)) / 7
    values = np.repeat(rest[:, None], 8, axis=1)
    values[np.arange(len(answers)), answers] = confidences
    return values


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the data and words of what is published from now on."""
    outputs: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def keep(data: dict[str, Any], metadata: dict[str, Any]) -> None:
        if "figure" in metadata:
            outputs.append((data, metadata["figure"]))

    monkeypatch.setattr(publish, "publish_display_data", keep)
    return outputs


def show(answers: dict[str, list[int]], confidences: list[float]) -> None:
    values = {name: probabilities(each, confidences) for name, each in answers.items()}
    show_errors(Part(shades(6), LABELS), np.arange(100, 106), values, next(iter(values)), "Errors.")


def test_every_error_of_any_model_is_in_the_gallery_with_all_answers(published) -> None:
    answers = {"cellnet": [0, 3, 1, 1, 2, 2], "forest": [0, 4, 1, 1, 2, 0]}
    show(answers, [0.5, 0.95, 0.7, 0.8, 0.9, 0.6])
    [(data, words)] = published
    gallery = data[CELLS]
    assert gallery["models"] == ["cellnet", "Random forest"]
    assert gallery["best"] == 0
    assert gallery["cells"] == [
        {"index": 101, "label": 0, "answers": [3, 4], "confidence": [95, 95]},
        {"index": 105, "label": 2, "answers": [2, 0], "confidence": [60, 60]},
    ]
    assert words["caption"] == "Errors. n = 6."
    assert words["alt"] == "Gallery of 2 test images that at least one model misclassifies."


@pytest.mark.parametrize(
    ("answers", "confidences", "title"),
    [
        ([1, 0, 1, 1, 2, 2], [0.95] * 6, "cellnet makes 1 error, 1 with more than 90 % confidence"),
        ([1, 0, 1, 1, 2, 2], [0.85] * 6, "cellnet makes 1 error, none with more than 90 % confidence"),
        ([1, 1, 1, 1, 2, 2], [0.95] * 6, "cellnet makes 2 errors, 2 with more than 90 % confidence"),
        (
            [1, 1, 1, 1, 2, 2],
            [0.95] + [0.5] * 5,
            "cellnet makes 2 errors, 1 with more than 90 % confidence",
        ),
        ([0, 0, 1, 1, 2, 2], [0.95] * 6, "cellnet makes no error"),
    ],
)
def test_the_title_counts_confident_errors_of_the_best_model(published, answers, confidences, title) -> None:
    show({"cellnet": answers, "forest": [7] * 6}, confidences)
    assert published[0][1]["title"] == title


def test_jupyterlab_shows_the_most_confident_errors_of_the_best_model(published) -> None:
    show({"cellnet": [3, 3, 1, 1, 2, 2], "forest": [0, 0, 0, 1, 2, 2]}, [0.6, 0.9, 0.7, 0.8, 0.9, 0.6])
    page = published[0][0]["text/html"]
    shown = [f"{CLASS_NAMES[0]} → {CLASS_NAMES[3]}, {share} %" for share in (90, 60)]
    assert page.count("<img") == 2
    assert page.index(shown[0]) < page.index(shown[1])


def test_nothing_is_shown_without_an_error(published) -> None:
    show({"cellnet": LABELS.tolist()}, [0.9] * 6)
    assert published == []


def test_examples_are_up_to_four_of_each_class_where_their_sprite_has_them(published) -> None:
    labels = np.array([3, 3, 0, 3, 3, 3])
    show_examples(shades(6), labels, "Examples.")
    [(data, words)] = published
    gallery = data[CELLS]
    assert [each["label"] for each in gallery["cells"]] == [0, 3, 3, 3, 3]
    assert words["title"] == "Examples of 2 cell types"
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(gallery["sprite"].partition(",")[2]))))
    assert sheet.shape == (gallery["rows"] * 48, gallery["columns"] * 48, 3)
    for place, shade in enumerate((40, 0, 20, 60, 80)):
        row, column = divmod(place, gallery["columns"])
        assert abs(int(sheet[row * 48 + 24, column * 48 + 24, 0]) - shade) <= 3
