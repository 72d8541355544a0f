"""Drawings show every model, class and image that they are given, and say the right numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import evaluation, figures
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


def test_each_error_is_drawn_with_its_label_and_its_answer_and_shared_ones_with_a_badge() -> None:
    images = np.zeros((4, 48, 48, 3), np.uint8)
    labels, probabilities = np.array([3, 1, 0, 0]), answers([6, 1, 0, 5])
    drawing = figures.draw_errors(images, labels, probabilities, np.array([0, 3]), "forest", [3])
    first, second = drawing.figure.axes[:2]
    assert first.get_xlabel() == "label: immature granulocyte\npredicted: neutrophil, 90 %"
    assert [len(axes.texts) for axes in (first, second)] == [0, 1]
    assert figures.draw_errors(images, labels, probabilities, np.array([], int), "forest") is None


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        ([0.95, 0.8], "The random forest makes 1 of its 2 errors with more than 90 % confidence"),
        ([0.7, 0.8], "The random forest makes no error with more than 90 % confidence"),
        ([0.95], "The random forest makes its only error with more than 90 % confidence"),
    ],
)
def test_confident_errors_are_counted(confidence, expected) -> None:
    probabilities = np.concatenate([answers([1], share) for share in confidence])
    images, labels = np.zeros((len(confidence), 48, 48, 3), np.uint8), np.zeros(len(confidence), int)
    assert figures.draw_errors(images, labels, probabilities, np.arange(1), "forest").finding == expected


def score_all(labels: np.ndarray, **predicted: list[int]) -> dict[str, dict]:
    return {name: evaluation.score(labels, answers(classes)) for name, classes in predicted.items()}


def test_accuracies_are_set_beside_those_reported() -> None:
    labels = np.zeros(10, int)
    scores = score_all(labels, forest=[0] * 9 + [1], lenet_custom=[0] * 8 + [1] * 2, cellnet=[0] * 9 + [1])
    drawing = figures.draw_comparison(scores, {}, {"cellnet": 1, "lenet_custom": 6})
    assert drawing.finding == "The random forest and cellnet lead with 90.0 %"
    assert len(drawing.figure.legends[0].get_texts()) == 1
    rows = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert rows == ["random forest", "cellnet\n1 epoch", "custom LeNet\n6 epochs"]
    both = figures.draw_comparison(scores, {"forest": 0.87, "lenet_custom": 0.94}, {}).figure
    assert "original report" in both.legends[0].get_texts()[1].get_text()
    assert figures.draw_comparison(scores, {"alexnet": 0.8}, {}).finding == drawing.finding  # not scored


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (
            [0, 0, 1, 1, 3, 0],
            "The random forest recognises immature granulocytes least often, with a recall of 50.0 %",
        ),
        ([0, 0, 1, 1, 0, 0], "The random forest recognises none of the immature granulocytes"),
        (
            [0, 0, 1, 1, 3, 3],
            "The random forest recognises 100.0 % of the basophils, eosinophils and immature granulocytes",
        ),
    ],
)
def test_the_class_found_least_often_is_named(predicted, expected) -> None:
    scores = score_all(np.array([0, 0, 1, 1, 3, 3]), forest=predicted, cellnet=[0, 1, 1, 1, 3, 3])
    drawing = figures.draw_recall(scores, "forest")
    assert drawing.finding == expected
    assert drawing.alt.endswith(
        "basophils." if predicted[4] == predicted[5] == 3 else "immature granulocytes."
    )
    assert figures.draw_recall({"forest": scores["forest"]}, "forest").alt.endswith("class and model.")
    assert {label.get_text() for label in drawing.figure.axes[0].get_yticklabels()} == {
        "basophil, n = 2",
        "eosinophil, n = 2",
        "immature granulocyte, n = 2",
    }


@pytest.mark.parametrize(
    ("labels", "predicted", "expected"),
    [
        ([3, 3, 6], [6, 6, 3], "cellnet most often mistakes immature granulocytes for neutrophils"),
        ([6, 6, 3], [3, 3, 6], "cellnet most often mistakes neutrophils for immature granulocytes"),
        ([3, 6], [6, 3], "neutrophils for immature granulocytes and immature granulocytes for neutrophils"),
        ([3, 3], [1, 6], "cellnet most often mistakes immature granulocytes for eosinophils and neutrophils"),
        ([0, 1, 2], [1, 2, 3], "no confusion of cellnet stands out"),
        ([0, 1], [0, 1], "cellnet makes no error on these images"),
    ],
)
def test_the_most_frequent_confusion_is_named(labels, predicted, expected) -> None:
    drawing = figures.draw_confusion(np.array(labels), answers(predicted), "cellnet")
    assert drawing.finding.lower().endswith(expected.lower())


def test_a_confusion_matrix_holds_shares_and_counts() -> None:
    drawing = figures.draw_confusion(np.array([0, 0, 0, 0]), answers([0, 0, 0, 6]), "cellnet")
    assert words(drawing.figure) == ["75.0", "25.0", "3", "1"]


def test_the_rule_of_review_is_marked_on_its_curve() -> None:
    labels, probabilities = some_predictions()
    rule = {"threshold": 0.5, "reviewed": 0.25, "errors": 12, "errors_seen": 9}
    models = {"cellnet": np.eye(8)[labels], "forest": probabilities, "alexnet": probabilities}
    drawing = figures.draw_review(labels, models, "alexnet", rule)
    marks = [line.get_xydata()[0] for line in drawing.figure.axes[0].lines if line.get_marker() == "o"]
    assert marks[0].tolist() == [0.25, 0.75]
    assert drawing.finding == "A review of 25.0 % of the images finds 75.0 % of the errors of AlexNet"
    assert drawing.alt.endswith("on average for the random forest.")  # cellnet makes no error
    assert figures.draw_review(labels, models, "alexnet", rule | {"errors": 0, "errors_seen": 0}) is None
    assert figures.draw_review(labels, models, "alexnet", rule | {"threshold": 0.0}) is None
    drawing = figures.draw_review(labels, models, "alexnet", rule | {"reviewed": 0.9})
    assert drawing.figure.axes[0].get_xlim()[1] == 1


def compared(forest: int, alexnet: int) -> figures.Drawing:
    """Return the differences of two models with so many errors on 100 images, and of one without any."""
    labels = np.zeros(100, int)
    predicted = {"forest": forest, "alexnet": alexnet, "cellnet": 0}
    probabilities = {
        name: np.eye(8)[(np.arange(100) < errors).astype(int)] for name, errors in predicted.items()
    }
    accuracies = {name: 1 - errors / 100 for name, errors in predicted.items()}
    return figures.draw_differences(evaluation.compare_models(labels, probabilities), accuracies, 100)


def test_differences_are_drawn_below_the_diagonal_and_those_by_chance_are_marked() -> None:
    axes = compared(forest=40, alexnet=2).figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AlexNet", "random forest"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cellnet", "AlexNet"]
    found = words(axes.figure)
    assert found[:3] == ["−2.0", "−40.0", "−38.0"]
    assert found[3:] == ["n.s.", "n.s.: not significant"]
    assert "n.s." not in "".join(words(compared(forest=60, alexnet=30).figure))


@pytest.mark.parametrize(
    ("forest", "alexnet", "expected"),
    [
        (60, 30, "cellnet is significantly more accurate than every other model"),
        (40, 2, "cellnet is not significantly more accurate than AlexNet"),
        (3, 2, "cellnet is not significantly more accurate than any other model"),
    ],
)
def test_models_like_the_best_are_named(forest, alexnet, expected) -> None:
    assert compared(forest, alexnet).finding == expected


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
        == "Severe corruption lowers the accuracy of the random forest most, from 90.0 % to 25.0 % on average"
    )
    rows = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert rows == ["cellnet", "random forest"]
    assert len(words(drawing.figure)) == 2 * (1 + len(evaluation.CORRUPTIONS))
    for forest in (0.95, 0.8998):
        unharmed = figures.draw_corruptions(corrupted(forest, cellnet=0.9))
        assert unharmed.finding == "Severe corruption lowers the average accuracy of no model"
    assert " most," not in figures.draw_corruptions(corrupted(0.25, cellnet=0.25)).finding


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
    assert figures.draw_shift_curves(shifted(("hue", -10, 0.5))).finding.startswith(
        "A change of −10° in hue lowers"
    )
    unharmed = figures.draw_shift_curves(shifted(("hue", 10, 0.95)))
    assert unharmed.finding == "The smallest changes of colour lower the accuracy of no model"


def test_models_are_told_apart_without_colour() -> None:
    looks = [model_look(model) for model in MODEL_COLOURS]
    assert (
        len({look["marker"] for look in looks})
        == len({look["label"] for look in looks})
        == len(MODEL_COLOURS)
    )
