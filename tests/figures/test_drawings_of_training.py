"""What is drawn of training runs, calibration and evidence is true of them, whichever way they turn out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from telephone import misfits

from helpers import figures
from helpers.data.synthetic import draw_cells
from helpers.recipes import LADDER

CELLS = draw_cells(8, seed=1)


@pytest.fixture(autouse=True)
def style():
    figures.use_style()
    yield
    plt.close("all")


ITS_TRAINING = "its accuracy on training images"


def history(*accuracies: float, training: float = 0.5) -> pd.DataFrame:
    """Return the history of a run with these validation accuracies."""
    epochs = pd.RangeIndex(1, len(accuracies) + 1, name="epoch")
    return pd.DataFrame({"loss": 1.0, "val_loss": 1.0, "accuracy": training, "val_accuracy": accuracies}, epochs)


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
    assert alone.finding == f"cellnet ends at 70.0 % on validation images, 5.0 points above {ITS_TRAINING}"


def test_fewer_than_three_epochs_are_no_curve() -> None:
    short, long = history(0.1, 0.9), history(0.1, 0.5, 0.9)
    assert figures.draw_training_curves({"alexnet": short, "alexnet_fixed": long}, 50) is None


def steps(*accuracies: float) -> pd.DataFrame:
    """Return a ladder from the classical LeNet to cellnet whose third step is not kept."""
    names = ["lenet_classic", "lenet_custom", *"abcdefghijklmnop"[: len(accuracies) - 3], "cellnet"]
    table = pd.DataFrame({"accuracy": accuracies}, pd.Index(names, name="step"))
    table["change"] = [
        "classical LeNet",
        *(" ".join(["another change"] * row) for row in range(1, len(table))),
    ]
    table["is_kept"], table["of_report"] = (
        table.index != "a",
        table.index.isin(["lenet_classic", "lenet_custom"]),
    )
    table["accuracy_low"], table["accuracy_high"] = table["accuracy"] - 0.02, table["accuracy"] + 0.02
    return table.assign(gain=table["accuracy"].diff())


def test_the_ladder_names_networks_and_says_how_far_it_leads() -> None:
    drawing = figures.draw_ladder(steps(0.9, 0.93, 0.91, 0.99), {"lenet_custom": 0.5, "forest": 0.1}, 50)
    (axes,) = drawing.figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:2] == ["classical LeNet", "custom LeNet: + another change"]
    words = [text.get_text() for text in axes.texts]
    assert words == ["accuracy", "90.0 %", "93.0 %", "91.0 %", "99.0 %"]
    assert axes.get_xlim()[1] == 1  # though the last interval ends above
    assert [text.get_text() for text in drawing.figure.legends[0].get_texts()] == ["original report"]
    assert drawing.finding == "cellnet reaches 99.0 % on validation images, 9.0 points above the classical LeNet"
    assert drawing.alt.endswith("The accuracy rises in 2 of 3 steps.")


def test_the_ladder_is_true_where_nothing_was_gained_and_is_not_drawn_for_three_steps() -> None:
    falling = figures.draw_ladder(steps(0.9, 0.8, 0.7, 0.6).assign(is_kept=True), {}, 50)
    assert falling.finding.endswith("30.0 points below the classical LeNet")
    assert "rises in no step" in falling.alt
    assert not falling.figure.legends
    assert figures.draw_ladder(steps(0.9, 0.93, 0.99), {}, 50) is None


def calibration(before: float, after: float) -> pd.DataFrame:
    errors = {"ece": before, "ece_calibrated": after}
    return pd.DataFrame({"forest": errors, "cellnet": errors | {"ece_calibrated": 0.01}}).T


def test_the_models_whose_calibration_error_falls_are_counted() -> None:
    drawing = figures.draw_calibration(calibration(0.1, 0.03), 300)
    assert drawing.finding == "Calibration lowers the calibration error of all 2 models"
    assert drawing.alt.endswith("is 10.0 % before and 3.0 % after.")
    assert figures.draw_calibration(calibration(0.1, 0.2), 300).finding.endswith("of 1 of 2 models")


def test_an_error_of_zero_is_drawn_at_the_edge_of_the_axis() -> None:
    drawing = figures.draw_calibration(calibration(0.0, 0.0), 300)
    axes = drawing.figure.axes[0]
    assert axes.collections[1].get_offsets()[0].tolist() == [0, 0]
    assert axes.get_xlim()[0] == 0
    assert drawing.finding.endswith("of no model")


def test_explanations_have_a_row_per_network_and_say_how_much_evidence_is_central() -> None:
    count = len(CELLS.images)
    centre, nothing = np.zeros((2, count, 48, 48))
    centre[:, 20, 20], centre[:, 0, 0], centre[:, 0, 1] = 3, 1, -5  # evidence against a class does not count
    maps, shown = {"lenet_classic": nothing, "cellnet": centre}, np.array([1, 4])
    drawing = figures.draw_explanations(CELLS.images, CELLS.labels, maps, shown)
    (picture,) = drawing.figure.axes[0].images
    assert picture.get_array().shape == (3 * 52 + 4, len(shown) * 52 + 4, 4)
    np.testing.assert_array_equal(picture.get_array()[4:52, 56:104, :3], CELLS.images[4])
    assert drawing.finding == "cellnet finds 75 % of its evidence in the central quarter of the images"
    assert "holds none and 75 %" in drawing.alt
    assert drawing.n == count  # and not those drawn only
    drawing = figures.draw_explanations(CELLS.images, CELLS.labels, {"cellnet": -centre.clip(0)}, shown)
    assert drawing.finding == "cellnet finds no evidence for the classes that it predicts"


def test_figures_of_training_fit_on_a_telephone() -> None:
    histories = {"alexnet": history(0.1, 0.5, 0.9), "alexnet_fixed": history(0.1, 0.5, 0.9)}
    assert misfits(figures.draw_training_curves(histories, 50)) == []
    ladder = steps(*np.linspace(0.9, 0.99, len(LADDER)))
    ladder["change"] = [step.change.format(epochs="100 epochs") for step in LADDER]
    assert misfits(figures.draw_ladder(ladder, {"lenet_classic": 0.91}, 50)) == []
    assert (
        misfits(figures.draw_ladder(ladder.assign(change="first, second, third, fourth, fifth, sixth"), {}, 50)) == []
    )
    errors = calibration(0.0, 0.3)
    assert misfits(figures.draw_calibration(errors.set_axis(["handcrafted_best", "alexnet_fixed"]), 300)) == []
    counts = pd.Index([f"{count:,}" for count in (660, 1319, 2638, 5276, 10552)], name="training images")
    curve = pd.DataFrame({"forest": 0.8, "handcrafted_best": 0.9}, counts).T
    assert misfits(figures.draw_slopes(curve, dict.fromkeys(counts, 200))) == []


def test_evidence_is_seen_on_a_telephone_with_a_row_for_each_image() -> None:
    maps = {name: np.ones((len(CELLS.images), 48, 48)) for name in ("lenet_classic", "lenet_custom", "cellnet")}
    drawing = figures.draw_explanations(CELLS.images, CELLS.labels, maps, np.arange(8))
    (wide,), (narrow,) = (figure.axes[0].images for figure in (drawing.figure, drawing.narrow))
    assert wide.get_size() == narrow.get_size()[::-1] == (4 * 52 + 4, 8 * 52 + 4)
    assert misfits(drawing) == []


def test_the_curve_of_adaptation_says_what_labels_are_worth() -> None:
    ends = {f"{name}{end}": [0.5, 0.7] for name in ("accuracy", "balanced_accuracy") for end in ("", "_low", "_high")}
    drawing = figures.draw_adaptation(pd.DataFrame(ends, index=[0, 50]), "cellnet", 334)
    assert drawing.finding == (
        "With up to 50 labels of each class, cellnet classifies 70.0 % of the other cells there correctly, and without "
        "labels 50.0 %"
    )
    assert drawing.n == 334
    assert [text.get_text() for text in drawing.figure.axes[0].get_xticklabels()] == ["0", "50"]
