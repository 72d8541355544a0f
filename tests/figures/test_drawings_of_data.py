"""Findings about the data are true of what is drawn, whichever way it turns out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Annotation
from telephone import misfits

from helpers import figures
from helpers.claims.assessment import CLAIMS
from helpers.data import CLASS_NAMES
from helpers.figures.style import MUTED
from helpers.notation import MODEL_NAMES


@pytest.fixture(autouse=True)
def style():
    figures.use_style()
    yield
    plt.close("all")


def tick_labels(axes: plt.Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def words(figure: plt.Figure) -> str:
    return " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(plt.Text))


@pytest.mark.parametrize(
    ("dropped", "left_out"),
    [(0, "no exact copies"), (1, "1 exact copy left out"), (1018, "1,018 exact copies left out")],
)
def test_the_course_of_the_study_gives_the_images_of_each_split_and_what_they_are_for(dropped, left_out) -> None:
    parts = {"train": 10552, "validation": 1506, "test": 3016}
    drawing = figures.draw_pipeline(15074 + dropped, dropped, parts)
    for figure in (drawing.figure, drawing.narrow):
        assert f"{15074 + dropped:,} images in the data 15,074 images {left_out}" in words(figure)
        assert "Training 10,552 images to train the models" in words(figure)
        assert "Validation 1,506 images to choose between them" in words(figure)
        assert "Test 3,016 images to test them once, in chapter 6" in words(figure)
    assert len(MODEL_NAMES) == 7
    assert "Seven models" in words(drawing.figure)
    assert len(CLAIMS) == 16
    assert "Sixteen claims" in words(drawing.figure)
    assert misfits(drawing) == []


def test_only_test_images_pass_the_models_by() -> None:
    figure = figures.draw_pipeline(10, 0, {"train": 7, "validation": 1, "test": 2}).figure
    arrows = [text.arrow_patch for text in figure.findobj(Annotation)]
    assert len(arrows) == 8
    vivid = [arrow for arrow in arrows if to_hex(arrow.get_edgecolor()) != MUTED]
    (start, end), *_ = [(arrow.patchA, arrow.patchB) for arrow in vivid]
    assert len(vivid) == 1
    figure.draw_without_rendering()
    heads = {each.get_text().partition("\n")[0]: each.get_position() for each in figure.axes[0].texts}
    assert start.get_window_extent().contains(*figure.axes[0].transData.transform(heads["Test"]))
    assert end.get_window_extent().contains(*figure.axes[0].transData.transform(heads["Sixteen claims"]))


@pytest.mark.parametrize(
    ("counts", "finding"),
    [
        ([1, 2, 3, 9, 3, 2, 2, 3], "Immature granulocytes are the most frequent, basophils the rarest"),
        (
            [4, 4, 1, 0, 2, 2, 2, 2],
            "Basophils and eosinophils are the most frequent, erythroblasts the rarest",
        ),
        ([3, 0, 3, 0, 0, 0, 0, 3], "No class with images is more frequent than another"),
    ],
)
def test_class_frequencies_name_the_largest_and_smallest_class_with_images(counts, finding) -> None:
    drawing = figures.draw_label_counts(np.repeat(np.arange(8), counts))
    assert drawing.finding == finding
    assert drawing.n == sum(counts)
    bars = [bar.get_width() for bar in drawing.figure.axes[0].patches]
    assert bars == sorted(counts, reverse=True)
    largest = int(np.argmax(counts))
    assert tick_labels(drawing.figure.axes[0])[0] == f"{CLASS_NAMES[largest]} ({largest})"


def by_class(labels: list[int], **columns: list[float]) -> figures.Drawing:
    return figures.draw_by_class(pd.DataFrame(columns, dtype=float), np.array(labels))


def test_the_classes_with_the_highest_and_the_lowest_mean_are_named_with_it() -> None:
    drawing = by_class([1, 1, 5, 5], blue=[-2, -2, 2, 2.04])
    assert drawing.finding == "Blue is highest for monocytes (2.0) and lowest for eosinophils (−2.0)"
    assert tick_labels(drawing.figure.axes[0]) == ["monocyte (5)", "eosinophil (1)"]
    assert by_class([1, 5], blue=[0, 0.01]).finding == "Blue is the same for all classes"


@pytest.mark.parametrize(
    ("areas", "finding"),
    [
        ([30, 20, 10], ", and area is highest for basophils (30.0) and lowest for platelets (10.0)"),
        ([10, 20, 10], ", and area is highest for eosinophils (20.0) and lowest for platelets and basophils (10.0)"),
        ([np.nan, 20, 30], ", and area is highest for platelets (30.0) and lowest for eosinophils (20.0)"),
        ([np.nan] * 3, ""),
    ],
)
def test_every_column_has_a_panel_in_the_order_of_the_first(areas, finding) -> None:
    drawing = by_class([0, 1, 7], grey=[90, 100, 200], area=areas)
    assert drawing.finding == f"Grey is highest for platelets (200.0) and lowest for basophils (90.0){finding}"
    assert tick_labels(drawing.figure.axes[0]) == ["platelet (7)", "eosinophil (1)", "basophil (0)"]
    assert drawing.n == 3


def test_figures_of_the_data_fit_on_a_telephone() -> None:
    generator, labels = np.random.default_rng(0), np.arange(400) % 8
    names = ["red", "green", "blue", "grey", "black", "white", "dark_area"]
    table = pd.DataFrame(generator.random((400, 7)) * 200, columns=names)
    assert (
        misfits(figures.draw_label_counts(np.repeat(np.arange(8), [2350, 2196, 858, 2042, 856, 1002, 1096, 1658])))
        == []
    )
    assert misfits(figures.draw_by_class(table[["blue"]] - 100, labels)) == []
    assert misfits(figures.draw_by_class(table[["grey", "dark_area"]], labels)) == []
