"""Drawings show every model, class and image that they are given, and say the right numbers."""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import evaluation, figures
from helpers.data import CLASS_NAMES
from helpers.data.synthetic import draw_cells
from helpers.figures.behaviour import MODEL_MARKERS
from helpers.figures.style import MODEL_COLOURS

CELLS = draw_cells(8, seed=1)


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


def test_each_error_is_drawn_with_its_label_its_answer_and_all_probabilities() -> None:
    images = np.zeros((4, 48, 48, 3), np.uint8)
    labels, probabilities = np.array([3, 1, 0, 0]), answers([6, 1, 0, 5])
    figure = figures.draw_errors(images, labels, probabilities, np.array([0, 3]))
    assert titles(figure)[0] == f"label: {CLASS_NAMES[3]} 1%\nsaid: {CLASS_NAMES[6]} 90%"
    assert [bar.get_width() for bar in figure.axes[1].patches] == pytest.approx(probabilities[0].tolist())
    figures.draw_errors(images, labels, probabilities, np.array([], int))


def test_explanations_have_a_row_per_network_and_say_how_much_evidence_is_central() -> None:
    centre, nothing = np.zeros((2, 8, 48, 48))
    centre[:, 20, 20], centre[:, 0, 0], centre[:, 0, 1] = 3, 1, -5  # evidence against a class does not count
    drawing = figures.draw_explanations(
        CELLS.images, CELLS.labels, {"lenet_classic": nothing, "cellnet": centre}
    )
    assert len([axes for axes in drawing.figure.axes if axes.images]) == 3 * 8
    assert drawing.finding == "cellnet finds 75 % of its evidence in the central quarter of the images"
    assert "holds 0 % and 75 %" in drawing.alt
    assert drawing.n == 8


def history(*accuracies: float, training: float = 0.5) -> pd.DataFrame:
    """Return the history of a run with these validation accuracies."""
    epochs = pd.RangeIndex(1, len(accuracies) + 1, name="epoch")
    return pd.DataFrame(
        {"loss": 1.0, "val_loss": 1.0, "accuracy": training, "val_accuracy": accuracies}, epochs
    )


@pytest.mark.parametrize(
    ("classic", "custom", "position"),
    [(0.7, 0.76, "6.0 points above"), (0.76, 0.7, "6.0 points below"), (0.7, 0.7004, "level with")],
)
def test_training_curves_say_where_the_last_network_ends(classic, custom, position) -> None:
    histories = {"lenet_classic": history(0.9, 0.1, classic), "lenet_custom": history(0.9, 0.1, custom)}
    drawing = figures.draw_training_curves(histories, 50)
    ends = f"ends at {100 * custom:.1f} % on validation images"
    assert drawing.finding == f"The custom LeNet {ends}, {position} the classical LeNet"
    alone = figures.draw_training_curves({"cellnet": history(0.9, 0.1, 0.7, training=0.65)}, 50)
    assert alone.finding == "cellnet ends at 70.0 % on validation images, 5.0 points above training images"


def test_fewer_than_three_epochs_are_no_curve() -> None:
    short, long = history(0.1, 0.9), history(0.1, 0.5, 0.9)
    assert figures.draw_training_curves({"alexnet": short, "alexnet_fixed": long}, 50) is None


def steps(*accuracies: float) -> pd.DataFrame:
    """Return a ladder from the classical LeNet to cellnet whose third step is not kept."""
    names = ["lenet_classic", "lenet_custom", *"abcdefgh"[: len(accuracies) - 3], "cellnet"]
    table = pd.DataFrame({"accuracy": accuracies}, pd.Index(names, name="step"))
    table["change"] = ["classical LeNet", *("another change " * row for row in range(1, len(table)))]
    table["is_kept"], table["of_report"] = (
        table.index != "a",
        table.index.isin(["lenet_classic", "lenet_custom"]),
    )
    table["accuracy_low"], table["accuracy_high"] = table["accuracy"] - 0.02, table["accuracy"] + 0.02
    return table.assign(gain=table["accuracy"].diff())


def test_the_ladder_names_networks_and_says_how_far_it_leads() -> None:
    drawing = figures.draw_ladder(steps(0.9, 0.93, 0.91, 0.99), {"lenet_custom": 0.5, "forest": 0.1}, 50)
    (axes,) = drawing.figure.axes
    words = [text.get_text() for text in axes.texts]
    assert words[1] == "classical LeNet"
    assert words[3] == "+ another change = custom LeNet"
    assert words[2::2] == ["93.0 %   +3.0", "91.0 %   −2.0", "99.0 %   +8.0"]
    assert axes.get_xlim()[1] == 1  # though the last interval ends above
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["original report"]
    assert (
        drawing.finding == "cellnet reaches 99.0 % on validation images, 9.0 points above the classical LeNet"
    )
    assert drawing.alt.endswith("The accuracy rises in 2 of 3 steps.")


def test_the_ladder_is_true_where_nothing_was_gained_and_is_not_drawn_for_three_steps() -> None:
    falling = figures.draw_ladder(steps(0.9, 0.8, 0.7, 0.6).assign(is_kept=True), {}, 50)
    assert falling.finding.endswith("30.0 points below the classical LeNet")
    assert "rises in 0 of 3 steps" in falling.alt
    assert falling.figure.axes[0].get_legend() is None
    assert figures.draw_ladder(steps(0.9, 0.93, 0.99), {}, 50) is None


@pytest.mark.parametrize(
    ("recomputed", "finding"),
    [
        ([0.5, 0.4], "lag, and recomputing them without retraining adds 25.0 points of accuracy"),
        ([0.5, 0.2], "without retraining moves its accuracy by +15.0 points"),
        ([0.1, 0.2], "without retraining moves its accuracy by −5.0 points"),
        ([0.2, 0.2], "without retraining leaves its accuracy unchanged"),
    ],
)
def test_statistics_are_said_to_lag_only_where_every_seed_gains(recomputed, finding) -> None:
    runs = [
        ("alexnet", 0, 0.2, recomputed[0]),
        ("alexnet", 1, 0.2, recomputed[1]),
        ("alexnet_fixed", 0, 0.9, 0.8),
    ]
    table = pd.DataFrame(runs, columns=["network", "seed", "stored", "recomputed"])
    drawing = figures.draw_statistics_lag(table, 50)
    assert drawing.finding.endswith(f"statistics of AlexNet {finding}")
    assert drawing.alt.endswith("and −10.0 points for the retrained AlexNet.")


def test_calibration_states_the_errors_before_and_after() -> None:
    names = ["forest", "handcrafted_best", "lenet_classic", "lenet_custom", "alexnet"]
    labels, probabilities = some_predictions()
    before = dict.fromkeys(names, probabilities)
    after = dict.fromkeys(names, evaluation.apply_temperature(probabilities, 0.3))
    found = titles(figures.draw_reliability(labels, before, after))
    errors = [evaluation.expected_calibration_error(labels, when["forest"]) for when in (before, after)]
    assert len(found) == 5
    assert found[0] == f"forest\nECE {errors[0]:.1%} → {errors[1]:.1%}"


def test_the_rule_of_review_is_marked_on_its_curve() -> None:
    labels, probabilities = some_predictions()
    rule = {"threshold": 0.5, "reviewed": 0.25, "errors": 12, "errors_seen": 9}
    figure = figures.draw_review(labels, {"forest": probabilities, "alexnet": probabilities}, "alexnet", rule)
    marks = [line.get_xydata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert marks[0].tolist() == [0.25, 0.75]


def test_calibration_and_review_of_a_model_without_errors_are_drawn() -> None:
    models = {"forest": np.concatenate([answers([0], share) for share in (0.6, 0.9, 1.0)])}
    figures.draw_reliability(np.zeros(3, int), models, models)
    rule = {"threshold": 0.0, "reviewed": 0.0, "errors": 0, "errors_seen": 0}
    figures.draw_review(np.zeros(3, int), models, "forest", rule)


def test_differences_are_drawn_as_row_minus_column_and_those_by_chance_are_marked() -> None:
    labels = np.zeros(100, int)
    good, fair, poor = np.zeros((3, 100), int)
    fair[:2], poor[:40] = 1, 1
    probabilities = {"forest": np.eye(8)[poor], "cellnet": np.eye(8)[good], "alexnet": np.eye(8)[fair]}
    pairs = evaluation.compare_models(labels, probabilities)
    accuracies = {"forest": 0.6, "cellnet": 1.0, "alexnet": 0.98}
    axes = figures.draw_differences(pairs, accuracies, 100).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["cellnet", "alexnet", "forest"]
    # positions are (column, row)
    assert cells[(1, 0)] == "+2.0\nn.s."
    assert cells[(2, 0)] == "+40.0"
    assert cells[(0, 2)] == "−40.0"
    assert cells[(2, 2)] == "60.00%"


def test_the_front_leaves_out_what_costs_more_and_is_no_better() -> None:
    costs = pd.Series({"a": 1.0, "b": 2, "c": 2, "d": 3, "e": np.nan})
    accuracies = pd.Series({"a": 0.9, "b": 0.95, "c": 0.93, "d": 0.95, "e": 1.0})
    assert figures.pareto_front(costs, accuracies) == ["a", "b"]


def test_cost_is_drawn_with_the_name_of_every_model_also_without_an_error() -> None:
    table = pd.DataFrame(
        {"accuracy": [0.9, 1.0], "training, minutes": [2.5, 2.5], "MFLOP per image": [1.3, 1.3]},
        index=["lenet_classic", "lenet_custom"],
    )
    axes = figures.draw_pareto(table).axes[0]
    assert [text.get_text() for text in axes.texts] == ["lenet_classic", "lenet_custom"]


def test_corruptions_and_shifts_have_a_panel_each_and_a_line_for_every_model() -> None:
    corruptions = [("none", 0), *product(evaluation.CORRUPTIONS, (1, 3, 5))]
    rows = [(model, *place, 0.5) for model in MODEL_COLOURS for place in corruptions]
    corrupted = pd.DataFrame(rows, columns=["model", "corruption", "severity", "accuracy"])
    rows = [(model, *place, 0.5) for model in MODEL_COLOURS for place in evaluation.NEUTRAL_AMOUNTS.items()]
    shifted = pd.DataFrame(rows, columns=["model", "shift", "amount", "accuracy"])
    for figure, panels in (
        (figures.draw_corruption_curves(corrupted), evaluation.CORRUPTIONS),
        (figures.draw_shift_curves(shifted), evaluation.NEUTRAL_AMOUNTS),
    ):
        assert titles(figure) == list(panels)
        assert set(MODEL_COLOURS) <= {line.get_label() for line in figure.axes[0].lines}
    severities = [list(line.get_xdata()) for line in figures.draw_corruption_curves(corrupted).axes[3].lines]
    assert severities[: len(MODEL_COLOURS)] == [[0, 1, 3, 5]] * len(MODEL_COLOURS)


def test_a_cell_is_drawn_under_every_corruption_at_three_severities() -> None:
    figure = figures.draw_corrupted_examples(CELLS.images[0])
    assert len([axes for axes in figure.axes if axes.images]) == 3 * (1 + len(evaluation.CORRUPTIONS))


def test_recall_has_a_panel_for_every_class_with_images_most_first() -> None:
    labels, probabilities = some_predictions()
    found = titles(figures.draw_recall_by_class(labels, dict.fromkeys(MODEL_COLOURS, probabilities)))
    counts = [int(title.rpartition(" ")[2]) for title in found]
    assert counts == sorted(np.unique(labels, return_counts=True)[1], reverse=True)
    assert found[0] == f"{CLASS_NAMES[np.bincount(labels).argmax()]}, n = {counts[0]}"


def test_models_are_told_apart_without_colour() -> None:
    assert set(MODEL_MARKERS) == set(MODEL_COLOURS)
    assert len(set(MODEL_MARKERS.values())) == len(MODEL_COLOURS)
