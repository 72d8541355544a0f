"""Findings about the data and the classical models are true of what is drawn, whichever way it turns out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import figures
from helpers.data import CLASS_NAMES
from helpers.data.synthetic import draw_cells


@pytest.fixture(autouse=True)
def style():
    figures.use_style()
    yield
    plt.close("all")


def tick_labels(axes: plt.Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


@pytest.mark.parametrize(
    ("counts", "finding"),
    [
        ([1, 2, 3, 9, 3, 2, 2, 3], "Immature granulocytes are the most frequent, basophils the rarest"),
        (
            [4, 4, 1, 0, 2, 2, 2, 2],
            "Basophils and eosinophils are the most frequent, erythroblasts the rarest of those present",
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


def statistics(rows: int = 80) -> tuple[pd.DataFrame, np.ndarray]:
    """Return three columns: a and b rise together over classes and fall within them, c is noise."""
    generator = np.random.default_rng(0)
    labels = np.arange(rows) % 8
    within = generator.normal(size=rows)
    a, b = 10 * labels + within, 10 * labels - within
    return pd.DataFrame({"a": a, "b": b, "c": generator.normal(size=rows)}), labels


def test_correlations_are_those_over_all_images_below_and_within_classes_above_the_diagonal() -> None:
    drawing = figures.draw_correlations(*statistics())
    words = {text.get_position(): text.get_text() for text in drawing.figure.axes[0].texts}
    assert len(words) == 6
    assert words[(0.5, 1.5)] == "+1.00"  # column a, row b
    assert words[(1.5, 0.5)] == "−1.00"
    assert drawing.finding == "1 of 3 pairs of colour statistics correlates positively"


def test_no_correlation_is_called_positive_where_all_are_negative() -> None:
    table, labels = statistics()
    drawing = figures.draw_correlations(table[["a"]].assign(b=-table["a"]), labels)
    assert drawing.finding == "No pair of colour statistics correlates positively"


def test_pairs_without_a_correlation_are_not_counted() -> None:
    table, labels = statistics()
    flat = figures.draw_correlations(table[["a", "b"]].assign(flat=1.0), labels)
    assert flat.finding == "The only pair of colour statistics correlates positively"
    assert figures.draw_correlations(table[["a"]].assign(flat=1.0), labels) is None


def test_the_class_with_the_highest_residual_is_named_with_its_mean() -> None:
    labels = np.repeat([1, 5], 10)
    drawing = figures.draw_blue_residual(pd.Series(np.repeat([-2.0, 2.04], 10)), labels)
    assert (
        drawing.finding
        == "Images of monocytes have 2.0 grey levels more blue than their red and green predict"
    )
    assert tick_labels(drawing.figure.axes[0]) == ["monocyte (5)", "eosinophil (1)"]
    grey = figures.draw_blue_residual(pd.Series(np.zeros(20)), labels)
    assert grey.finding == "No class has more blue than its red and green predict"
    assert grey.alt == "Box plot with a box per class."


@pytest.mark.parametrize(
    ("areas", "finding"),
    [
        ([30, 20, 10], " and show the smallest dark regions"),
        ([10, 20, 30], ", and images of basophils show the smallest dark regions"),
        ([np.nan, 20, 30], ", and images of eosinophils show the smallest dark regions"),
        ([np.nan] * 3, ""),
    ],
)
def test_lightness_and_size_name_their_own_class_each(areas, finding) -> None:
    table = pd.DataFrame({"grey": [90, 100, 200], "dark_area": areas}, dtype=float)
    drawing = figures.draw_lightness_and_size(table, np.array([0, 1, 7]))
    assert drawing.finding == f"Images of platelets are the lightest{finding}"
    assert tick_labels(drawing.figure.axes[0]) == ["platelet (7)", "eosinophil (1)", "basophil (0)"]


def test_equal_classes_are_not_ranked_and_no_images_are_no_figure() -> None:
    table, labels = pd.DataFrame({"grey": [90.0, 90.01], "dark_area": [5.0, 5.0]}), np.array([0, 1])
    drawing = figures.draw_lightness_and_size(table, labels)
    assert drawing.finding == "No class is lighter than another"
    assert drawing.alt == "Two box plots with a box per class."
    assert figures.draw_lightness_and_size(table[:0], labels[:0]) is None
    assert figures.draw_blue_residual(table["grey"][:0], labels[:0]) is None
    assert figures.draw_label_counts(labels[:0]) is None


def test_examples_show_four_images_of_each_class_under_its_number() -> None:
    cells = draw_cells(80, seed=1)
    drawing = figures.draw_examples(cells.images, cells.labels)
    heads = [axes.get_title() for axes in drawing.figure.axes[:8]]
    assert heads[:2] == ["basophil\nclass 0", "eosinophil\nclass 1"]
    assert len([axes for axes in drawing.figure.axes if axes.images]) == 4 * 8
    assert drawing.finding == "The eight cell types"
    one = figures.draw_examples(cells.images[:1], cells.labels[:1])
    assert one.finding == "One cell type"
    assert len(one.figure.axes) == 4  # no column for a class without images
    assert figures.draw_examples(cells.images[:0], cells.labels[:0]) is None


def test_the_learning_curve_gives_gains_and_losses_by_model() -> None:
    curve = pd.DataFrame({"forest": [0.8, 0.7], "handcrafted_best": [0.9, 0.95]}, index=[50, 100])
    drawing = figures.draw_learning_curves(curve, 200)
    changes = "of the random forest by −10.0 points and of the support vector machine by +5.0 points"
    assert drawing.finding == f"The last doubling of the training images changes the accuracy {changes}"
    assert {text.get_text() for text in drawing.figure.axes[0].texts} == {
        "random forest",
        "support vector machine",
    }
    assert figures.draw_learning_curves(curve[1:], 200) is None
