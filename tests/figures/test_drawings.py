"""Drawings show every model, class and image that they are given, and say the right numbers."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from helpers import evaluation, figures
from helpers.data import CLASS_NAMES
from helpers.figures.publish import NARROW_SVG
from helpers.figures.style import MODEL_COLOURS, model_look


@pytest.fixture(autouse=True)
def style():
    figures.use_style()
    yield
    plt.close("all")


def titles(figure: plt.Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def answers(classes: list[int], confidence: float = 0.9) -> np.ndarray:
    others = (1 - confidence) / 7
    return others + (confidence - others) * np.eye(8)[classes]


def some_predictions(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    labels = generator.choice([0, 1, 4, 5, 6, 7], count)
    raw = generator.random((count, 8)) + 0.8 * np.eye(8)[labels]
    return labels, raw / raw.sum(axis=1, keepdims=True)


def words(figure: plt.Figure) -> list[str]:
    """Return what stands in the first panel of a figure."""
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def score_all(labels: np.ndarray, **predicted: list[int]) -> dict[str, dict]:
    return {name: evaluation.score(labels, answers(classes)) for name, classes in predicted.items()}


def measured(**accuracies: float) -> dict[str, dict]:
    """Return models as results.json has them, with intervals of two points on either side."""
    return {
        name: {"test_accuracy": value, "test_accuracy_ci95": [value - 0.02, min(value + 0.02, 1)], "n": 50}
        for name, value in accuracies.items()
    }


@pytest.mark.parametrize(
    ("custom", "cellnet", "best", "higher"),
    [
        (0.955, 0.989, "cellnet, with 98.9 %", "all 2 models"),
        (0.9, 0.98, "cellnet, with 98.0 %", "1 of 2 models"),
        (0.97, 0.96, "the custom LeNet, with 97.0 %", "all 2 models"),
        (0.97, 0.97, "the custom LeNet and cellnet, with 97.0 %", "all 2 models"),
    ],
)
def test_the_best_models_are_named_and_those_above_the_report_counted(custom, cellnet, best, higher) -> None:
    models, expected = measured(forest=0.9, lenet_custom=custom, cellnet=cellnet), f"is highest for {best}"
    drawing = figures.draw_reported(models, {"forest": 0.87, "lenet_custom": 0.9397})
    assert drawing.finding.endswith(f"{expected}, and above the reported one for {higher}")
    assert figures.draw_reported(models, {}).finding.endswith(expected)


def test_models_of_the_report_come_first_with_both_numbers() -> None:
    models = measured(forest=0.86, alexnet_fixed=0.96, lenet_custom=0.95, cellnet=0.99)
    drawing = figures.draw_reported(models, {"lenet_custom": 0.9397, "forest": 0.87})
    (axes,) = drawing.figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["custom LeNet", "random forest", "retrained AlexNet", "cellnet"]
    reported = ["◇ reported", "94.0 %", "87.0 %"]
    assert words(drawing.figure) == [*reported, "● measured", "95.0 %", "86.0 %", "96.0 %", "99.0 %"]
    assert drawing.finding.endswith("above the reported one for 1 of 2 models")
    assert drawing.n == 50
    assert drawing.narrow is not None


def test_a_reported_accuracy_lies_inside_however_high_the_others_are() -> None:
    models = measured(forest=0.97, lenet_classic=0.98, lenet_custom=0.98, alexnet=0.98, cellnet=0.99)
    drawing = figures.draw_reported(models, {"alexnet": 0.8, "forest": 0.96})
    for figure in (drawing.figure, drawing.narrow):
        assert figure is not None
        assert figure.axes[0].get_xlim()[0] == pytest.approx(0.78)


def test_a_model_far_below_the_others_is_an_arrow_at_the_edge() -> None:
    models = measured(forest=0.9, lenet_custom=0.92, lenet_classic=0.95, alexnet=0.1, cellnet=0.99)
    (axes,) = figures.draw_reported(models, {}).figure.axes
    assert words(axes.figure) == ["● measured", "90.0 %", "92.0 %", "95.0 %", "10.0 %", "99.0 %"]
    (arrow,) = [line for line in axes.lines if line.get_marker() == "<"]
    assert arrow.get_xdata().tolist() == [axes.get_xlim()[0]] == [0.85]
    assert len([line for line in axes.lines if line.get_marker() == "o"]) == 4


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (
            [0, 0, 1, 1, 3, 0],
            "The random forest recognises 50.0 % of the immature granulocytes, its lowest recall",
        ),
        (
            [0, 0, 1, 1, 0, 0],
            "The random forest recognises 0.0 % of the immature granulocytes, its lowest recall",
        ),
        (
            [0, 0, 1, 1, 3, 3],
            "The random forest recognises 100.0 % of the basophils, eosinophils and immature granulocytes, "
            "its lowest recall",
        ),
    ],
)
def test_the_class_found_least_often_is_named(predicted, expected) -> None:
    scores = score_all(np.array([0, 0, 1, 1, 3, 3]), forest=predicted, cellnet=[0, 1, 1, 1, 3, 3])
    drawing = figures.draw_recall(scores, "forest")
    assert drawing.finding == expected
    drawing.figure.draw_without_rendering()
    legend, axes = drawing.figure.legends[0].get_window_extent(), drawing.figure.axes[0].get_tightbbox()
    assert axes.y0 - legend.y1 < 30  # pixels: the legend stands right below
    assert drawing.alt.endswith("basophils." if predicted[4] == predicted[5] == 3 else "immature granulocytes.")
    assert {label.get_text() for label in drawing.figure.axes[0].get_yticklabels()} == {
        "basophil, n\xa0=\xa02",
        "eosinophil, n\xa0=\xa02",
        "immature granulocyte, n\xa0=\xa02",
    }


@pytest.mark.parametrize(
    ("labels", "predicted", "expected"),
    [
        ([3, 3, 6], [6, 6, 3], "immature granulocytes taken for neutrophils (2 images)"),
        ([6, 6, 3], [3, 3, 6], "neutrophils taken for immature granulocytes (2 images)"),
        ([0, 1, 2], [1, 1, 3], "basophils taken for eosinophils (1 image)"),
        ([0, 1], [0, 1], "cellnet makes no error on these images"),
    ],
)
def test_the_most_frequent_confusion_is_named(labels, predicted, expected) -> None:
    drawing = figures.draw_confusion(np.array(labels), answers(predicted), "cellnet")
    assert drawing.finding.removeprefix("No error of cellnet is more frequent than ") == expected


def test_a_confusion_matrix_holds_shares_and_counts() -> None:
    drawing = figures.draw_confusion(np.array([0, 0, 0, 0]), answers([0, 0, 0, 6]), "cellnet")
    assert words(drawing.figure) == ["75\n3", "25\n1"]


def test_the_rule_of_review_is_marked_on_its_curve() -> None:
    labels, probabilities = some_predictions()
    rule = {"threshold": 0.5, "reviewed": 0.25, "errors": 12, "errors_seen": 9}
    models = {"cellnet": np.eye(8)[labels], "forest": probabilities, "alexnet": probabilities}
    drawing = figures.draw_review(labels, models, "alexnet", rule)
    marks = [line.get_xydata()[0] for line in drawing.figure.axes[0].lines if line.get_marker() == "o"]
    assert marks[0].tolist() == [0.25, 0.75]
    assert drawing.finding == "A review of 25.0 % of the images finds 9 of 12 errors of AlexNet"
    assert drawing.alt.endswith("on average for the random forest.")  # cellnet makes no error
    assert figures.draw_review(labels, models, "alexnet", rule | {"errors": 0, "errors_seen": 0}) is None
    assert figures.draw_review(labels, models, "alexnet", rule | {"threshold": 0.0}) is None
    drawing = figures.draw_review(labels, models, "alexnet", rule | {"reviewed": 0.9})
    assert drawing.figure.axes[0].get_xlim()[1] == 1


def corrupted(forest: float, cellnet: float = 0.8) -> pd.DataFrame:
    """Return accuracies of 0.9 on images as they are, and of so much under every corruption."""
    rows = []
    for name, accuracy in (("forest", forest), ("cellnet", cellnet)):
        rows.append((name, "none", 0, 0.9, 8))
        rows += [(name, corruption, 5, accuracy, 8) for corruption in evaluation.CORRUPTIONS]
    return pd.DataFrame(rows, columns=["model", "corruption", "severity", "accuracy", "n"])


def test_the_model_that_corruption_costs_most_is_named() -> None:
    drawing = figures.draw_corruptions(corrupted(0.25))
    assert (
        drawing.finding
        == "The largest fall under severe corruption is that of the random forest, from 90.0 % to 25.0 % on average"
    )
    columns = [label.get_text() for label in drawing.figure.axes[0].get_xticklabels()]
    assert columns == ["cellnet", "random\nforest"]
    assert len(words(drawing.figure)) == 2 * (2 + len(evaluation.CORRUPTIONS))
    for forest in (0.95, 0.8998):
        unharmed = figures.draw_corruptions(corrupted(forest, cellnet=0.9))
        assert unharmed.finding == "Severe corruption lowers the average accuracy of no model"


def shifted(*changed: tuple[str, float, float]) -> pd.DataFrame:
    """Return the accuracies of two models, 0.9 but where the forest's is ``changed``."""
    rows = [
        (model, name, amount, 0.9, 8)
        for model in ("forest", "cellnet")
        for name, neutral in evaluation.NEUTRAL_AMOUNTS.items()
        for amount in (
            neutral - (10 if name == "hue" else 0.1),
            neutral,
            neutral + (10 if name == "hue" else 0.1),
        )
    ]
    table = pd.DataFrame(rows, columns=["model", "shift", "amount", "accuracy", "n"])
    for name, amount, accuracy in changed:
        here = (table["model"] == "forest") & (table["shift"] == name) & np.isclose(table["amount"], amount)
        table.loc[here, "accuracy"] = accuracy
    return table


def test_shifts_have_a_panel_each_and_the_worst_small_one_is_named() -> None:
    drawing = figures.draw_shift_curves(shifted(("brightness", 1.1, 0.05), ("hue", -10, 0.5)))
    assert titles(drawing.figure) == list(evaluation.NEUTRAL_AMOUNTS)
    expected = "A change of +10 % in brightness lowers the accuracy of the random forest from 90.0 % to 5.0 %"
    assert drawing.finding == expected
    assert figures.draw_shift_curves(shifted(("hue", -10, 0.5))).finding.startswith("A change of −10° in hue lowers")
    unharmed = figures.draw_shift_curves(shifted(("hue", 10, 0.95)))
    assert unharmed.finding == "The smallest changes of colour lower the accuracy of no model"


def test_models_are_told_apart_without_colour() -> None:
    looks = [model_look(model) for model in MODEL_COLOURS]
    assert len({look["marker"] for look in looks}) == len({look["label"] for look in looks}) == len(MODEL_COLOURS)


@pytest.mark.parametrize(
    ("degraded", "external", "expected"),
    [
        (
            (0.8, 0.7),
            (0.85, 0.3),
            "The largest fall is that of cellnet, from 95.0 % on test to 30.0 % on external",
        ),
        (
            (0.8, 0.3),
            (0.3, 0.9),
            "The largest fall is that of cellnet, from 95.0 % on test to 30.0 % on degraded",
        ),
        (
            (0.85, 0.9),
            (0.9, 0.95),
            "The largest fall is that of the random forest, from 90.0 % on test to 85.0 % on degraded",
        ),
        ((0.9, 0.96), (0.91, 0.95), "No model is less accurate on degraded or on external than on test"),
    ],
)
def test_the_model_that_loses_most_elsewhere_is_named(degraded, external, expected) -> None:
    shares = {"test": (0.9, 0.95), "degraded": degraded, "external": external}
    table, n = pd.DataFrame(shares, ["forest", "cellnet"]), {"test": 1000, "degraded": 300, "external": 20}
    drawing = figures.draw_slopes(table, n)
    assert drawing.finding == expected
    heads = [label.get_text() for label in drawing.figure.axes[0].get_xticklabels()]
    assert heads == ["test\nn = 1,000", "degraded\nn = 300", "external\nn = 20"]
    assert drawing.n is None
    same = figures.draw_slopes(table, dict.fromkeys(table, 300))
    assert [label.get_text() for label in same.figure.axes[0].get_xticklabels()] == list(table)
    assert same.n == 300
    assert figures.draw_slopes(table[["test"]], n) is None


def test_models_are_listed_beside_their_slopes_from_the_highest_end_to_the_lowest() -> None:
    ends = dict(zip(MODEL_COLOURS, (0.98, 0.979, 0.5, 0.981, 0.02, 0.0, 0.98), strict=True))
    table = pd.DataFrame({"test": 0.99, "degraded": ends})
    figure = figures.draw_slopes(table, {"test": 100, "degraded": 100}).figure
    listed = [text.get_text().split(" ")[0] for text in figure.legends[0].get_texts()]
    assert listed == ["98.1", "98.0", "98.0", "97.9", "50.0", "2.0", "0.0"]
    assert figure.legends[0].get_title().get_text() == "degraded"


@pytest.mark.parametrize(
    ("places", "labels", "expected"),
    [
        ([0, 1, 10, 11], [0, 0, 3, 3], "Every image lies next to one of its own class"),
        (
            [0, 1, 10, 11],
            [6, 3, 0, 0],
            "On cellnet’s map, no two classes touch more often than immature granulocytes and neutrophils",
        ),
        ([0, 1, 10, 11, 20, 21], [6, 3, 0, 1, 4, 5], "more often than basophils and eosinophils"),
    ],
)
def test_the_classes_that_touch_on_the_map_are_named(places, labels, expected) -> None:
    points, classes = np.column_stack([places, places]), np.array(labels)
    assert figures.draw_embedding(points, classes, classes).finding.endswith(expected)


def test_the_map_names_each_class_and_rings_errors() -> None:
    points, labels = np.random.default_rng(0).random((1500, 2)), np.arange(1500) % 8
    drawing = figures.draw_embedding(points, labels, np.where(np.arange(1500) < 3, 7 - labels, labels))
    assert [text.get_text() for text in drawing.figure.axes[0].texts] == list(CLASS_NAMES)
    (rings,) = [dots for dots in drawing.figure.axes[0].collections if not len(dots.get_facecolor())]
    np.testing.assert_allclose(rings.get_offsets(), points[:3])
    assert drawing.alt.endswith("misclassifies 3 of 1,500 images.")
    assert len(figures.drawn(drawing)["image/svg+xml"]) < 250_000


def every_drawing() -> dict[str, figures.Drawing]:
    """Return the drawings of seven models that the page shows in two layouts."""
    labels, probabilities = some_predictions()
    models = dict.fromkeys(MODEL_COLOURS, probabilities)
    scores = {name: evaluation.score(labels, probabilities) for name in models}
    accuracies = {name: scores[name]["accuracy"] for name in models}
    corruptions = [(name, each, 5, 0.5, 9) for name in models for each in ("none", *evaluation.CORRUPTIONS)]
    degraded = pd.DataFrame(corruptions, columns=["model", "corruption", "severity", "accuracy", "n"])
    rule = {"threshold": 0.5, "reviewed": 0.25, "errors": 12, "errors_seen": 9}
    elsewhere = pd.DataFrame({"test images": accuracies, "degraded images": accuracies, "external images": 0.1})
    return {
        "reported": figures.draw_reported(measured(**accuracies), {"forest": 0.87, "alexnet": 0.8}),
        "recall": figures.draw_recall(scores, "cellnet"),
        "confusion": figures.draw_confusion(labels, probabilities, "cellnet"),
        "review": figures.draw_review(labels, models, "cellnet", rule),
        "corruptions": figures.draw_corruptions(degraded),
        "shifts": figures.draw_shift_curves(shifted()),
        "slopes": figures.draw_slopes(elsewhere, dict.fromkeys(elsewhere, 300)),
        "map": figures.draw_embedding(np.random.default_rng(0).random((300, 2)), labels, labels),
    }


def test_every_text_is_large_enough_on_a_telephone_of_390_pixels() -> None:
    for name, drawing in every_drawing().items():
        width = float(re.search(r'width="([\d.]+)pt"', figures.drawn(drawing)[NARROW_SVG])[1])
        shown = [text for text in drawing.narrow.findobj(Text) if text.get_text() and text.get_visible()]
        assert min(text.get_fontsize() for text in shown) * 350 / width >= 9, name
