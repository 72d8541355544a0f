"""The ladder's accuracies and gains are means over seeds, and its intervals cover seeds and images."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.data import Part
from helpers.evaluation.ladder import (
    accuracy_with_renewed_statistics,
    compute_scalings,
    is_larger,
    ladder_table,
)
from helpers.networks import keras, predict_probabilities
from helpers.recipes import BATCH, Recipe, Step

LABELS = np.arange(400) % 8


@dataclass
class FinishedRun:
    """What the ladder reads of a run."""

    right: int
    val_accuracy: tuple[float, ...] = ()

    def validation_probabilities(self) -> np.ndarray:
        wrong = np.arange(len(LABELS)) >= self.right
        return np.eye(8)[(LABELS + wrong) % 8]

    def history(self) -> pd.DataFrame:
        return pd.DataFrame({"val_accuracy": self.val_accuracy})

    @property
    def record(self) -> dict[str, float]:
        return {"params": 10, "epochs_run": 2, "train_seconds": 3.0}


def as_ladder(*names: str, dropped: str = "") -> dict[str, Step]:
    return {name: Step(Recipe(name, name), f"change of {name}", is_kept=name != dropped) for name in names}


def test_accuracy_and_gain_are_means_over_seeds() -> None:
    runs = {"first": [FinishedRun(300), FinishedRun(320)], "second": [FinishedRun(360), FinishedRun(380)]}
    table = ladder_table(runs, as_ladder("first", "second"), LABELS)
    assert table["accuracy"].tolist() == pytest.approx([0.775, 0.925])
    assert np.isnan(table.loc["first", "gain"])
    assert table.loc["second", "gain"] == pytest.approx(0.15)
    assert table.loc["first", "seed_sd"] == pytest.approx(np.std([0.75, 0.8], ddof=1))
    assert table.loc["second", "gain_low"] < 0 < table.loc["second", "gain_high"]  # two seeds, 20 images apart


def test_a_step_that_is_not_kept_is_passed_by() -> None:
    runs = {"a": [FinishedRun(300)], "b": [FinishedRun(200)], "c": [FinishedRun(340)]}
    table = ladder_table(runs, as_ladder("a", "b", "c", dropped="b"), LABELS)
    assert table["gain"].tolist()[1:] == pytest.approx([-0.25, 0.1])


def test_with_one_seed_the_interval_is_that_of_a_share() -> None:
    table = ladder_table({"only": [FinishedRun(360)]}, as_ladder("only"), LABELS)
    expected = stats.binom.ppf([0.025, 0.975], 400, 0.9) / 400
    np.testing.assert_allclose(
        table.loc["only", ["accuracy_low", "accuracy_high"]].to_numpy(float), expected, atol=0.004
    )


@pytest.mark.parametrize("right", [0, 400])
def test_a_network_that_is_always_right_or_wrong_has_an_interval(right) -> None:
    row = ladder_table({"only": [FinishedRun(right)]}, as_ladder("only"), LABELS).loc["only"]
    assert row["accuracy_high"] - row["accuracy_low"] == pytest.approx(0.0095, abs=1e-4)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Seeds of the same true accuracy in both steps, from one normal law, on images that hardly vary."""
    generator = np.random.default_rng(0)
    held = []
    for _ in range(100):
        a, b = ([FinishedRun(int(n)) for n in generator.normal(300, 40, 3)] for _ in range(2))
        table = ladder_table({"a": a, "b": b}, as_ladder("a", "b"), LABELS)
        held.append(table.loc["b", "gain_low"] <= 0 <= table.loc["b", "gain_high"])
    assert 0.9 <= np.mean(held) < 1


@dataclass
class IndependentRun(FinishedRun):
    """A run that errs on images of its own, ``right`` being a seed of chance."""

    def validation_probabilities(self) -> np.ndarray:
        wrong = np.random.default_rng(self.right).random(len(LABELS)) < 0.1
        return np.eye(8)[(LABELS + wrong) % 8]


def test_errors_on_images_of_their_own_are_not_counted_twice() -> None:
    """Six runs that differ by their images only: the gain of three on three is spread like one of 1,200 images."""
    widths, held = [], []
    for first in range(0, 600, 6):
        a, b = ([IndependentRun(first + 3 * half + seed) for seed in range(3)] for half in range(2))
        gain = ladder_table({"a": a, "b": b}, as_ladder("a", "b"), LABELS).loc["b"]
        widths.append(gain["gain_high"] - gain["gain_low"])
        held.append(gain["gain_low"] <= 0 <= gain["gain_high"])
    alone = 2 * 1.96 * np.sqrt(2 * 0.1 * 0.9 / (3 * len(LABELS)))
    assert np.mean(held) >= 0.93
    assert alone < np.median(widths) < 1.6 * alone  # counted twice: 2.2


def test_identical_models_gain_nothing_beyond_chance() -> None:
    table = ladder_table(
        {"a": [FinishedRun(350), FinishedRun(340)], "b": [FinishedRun(340), FinishedRun(350)]},
        as_ladder("a", "b"),
        LABELS,
    )
    assert table.loc["b", "gain_low"] <= 0 <= table.loc["b", "gain_high"]


def scalings_table(**curves: tuple[float, ...]) -> pd.DataFrame:
    """Return the table of a study that trains the named recipes, one seed each, with these validation accuracies."""
    study = SimpleNamespace(
        profile=SimpleNamespace(trainings=curves),
        load_or_train=lambda *names: {name: [FinishedRun(1, curves[name])] for name in names},
    )
    return compute_scalings(study)


def test_speed_and_falls_of_a_curve_computed_by_hand() -> None:
    table = scalings_table(scaling_raw=(0.2, 0.6, 0.5, 0.7, 0.6), muon=(0.9,))
    assert table["scaling"].tolist() == ["raw"]
    assert table.loc[0, ["speed", "falls", "last"]].tolist() == pytest.approx([0.52, 0.2, 0.6])


def test_curves_are_compared_over_the_epochs_that_all_have() -> None:
    table = scalings_table(scaling_raw=(0.7, 0.9), lenet_classic=(0.7, 0.9, 0.92, 0.91))
    assert table.drop(columns="scaling").nunique().eq(1).all()
    assert table["epochs"].tolist() == [2, 2]


def test_larger_means_beyond_chance() -> None:
    assert is_larger([0.9, 0.91, 0.92], [0.7, 0.71, 0.72])
    assert not is_larger([0.7, 0.71, 0.72], [0.9, 0.91, 0.92])
    assert not is_larger([0.9, 0.5, 0.7], [0.6, 0.7, 0.65])
    assert not is_larger([0.9], [0.1])


def test_renewed_batch_statistics_are_the_means_over_the_batches(tmp_path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (3 * BATCH, 48, 48, 3), dtype=np.uint8)
    layers = [keras.layers.BatchNormalization(momentum=0.99), keras.layers.GlobalAveragePooling2D()]
    head = keras.layers.Dense(8, activation="softmax")
    network = keras.Sequential([keras.Input((48, 48, 3), dtype="uint8"), *layers, head])
    network.save(tmp_path / "model.keras")
    run = SimpleNamespace(model_path=tmp_path / "model.keras")
    batches = images.reshape(3, -1, 3).astype(float)
    layers[0].moving_mean.assign(batches.mean(axis=1).mean(axis=0))
    layers[0].moving_variance.assign(batches.var(axis=1).mean(axis=0))
    labels = predict_probabilities(network, images).argmax(axis=1).astype(np.uint8)
    assert len(np.unique(labels)) > 1  # with the averages of the start, all are alike
    assert accuracy_with_renewed_statistics(run, images, Part(images, labels)) == pytest.approx(1, abs=0.02)
