"""Evidence maps against the class activation map worked out by hand, and their checks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from helpers.data.synthetic import draw_cells
from helpers.evaluation.explanations import (
    evidence_maps,
    explain,
    rank_correlation,
)
from helpers.networks.architectures import build
from helpers.networks.backend import keras, tf
from helpers.saved_models import load_network

CELLS = draw_cells(8, seed=1)
CLASSES = np.arange(8, dtype=np.uint8)


def enlarged(maps: np.ndarray) -> np.ndarray:
    """Return small maps at the size of the images, for comparison."""
    return tf.image.resize(maps[..., np.newaxis], (48, 48)).numpy()[..., 0]


def test_on_a_global_average_it_is_the_class_activation_map() -> None:
    keras.utils.set_random_seed(0)
    network = build("cellnet")
    head = network.get_layer("probabilities")
    head.bias.assign(np.arange(8))
    features = keras.Model(network.inputs[0], network.get_layer("relu3b").output)(CELLS.images).numpy()
    kernel = head.kernel.numpy()
    expected = np.einsum("nhwk,kn->nhw", features, kernel[:, CLASSES]) / (12 * 12)
    found = evidence_maps(network, CELLS.images, CLASSES)
    np.testing.assert_allclose(found, enlarged(expected), rtol=1e-3, atol=1e-6)
    # exact: the places sum to the logit less its bias, each of them enlarged to 4 x 4 pixels
    logits = features.mean(axis=(1, 2)) @ kernel
    sums = found.sum(axis=(1, 2)) / (4 * 4)
    np.testing.assert_allclose(sums, logits[np.arange(8), CLASSES], rtol=1e-3, atol=1e-5)


def test_a_dense_head_is_explained_place_by_place() -> None:
    # a linear network that looks at one place for class 3: all its evidence lies there
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((48, 48, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.AveragePooling2D(8),
            layers.Flatten(),
            layers.Dense(8, activation="softmax"),
        ]
    )
    kernel = np.zeros((6, 6, 3, 8), np.float32)
    kernel[1, 4, :, 3] = 2
    network.layers[-1].set_weights([kernel.reshape(-1, 8), np.zeros(8)])
    images = np.full((1, 48, 48, 3), 255, np.uint8)
    expected = np.zeros((1, 6, 6))
    expected[0, 1, 4] = 3 * 2
    whole = evidence_maps(network, images, np.array([3]))[0]
    np.testing.assert_allclose(whole, enlarged(expected)[0], atol=1e-5)
    assert np.unravel_index(whole.argmax(), whole.shape) in [(r, c) for r in range(8, 16) for c in range(32, 40)]


@pytest.mark.parametrize("name", ["lenet_classic", "lenet_custom", "three_stages", "residual"])
def test_every_network_can_be_explained_and_stays_as_it_is(name) -> None:
    network = build(name)
    before = network(CELLS.images).numpy()
    maps = evidence_maps(network, CELLS.images, CLASSES)
    assert maps.shape == (8, 48, 48)
    assert np.isfinite(maps).all()
    np.testing.assert_array_equal(network(CELLS.images).numpy(), before)


@dataclass
class FinishedRun:
    """What an explanation reads of a run: a network, and the classes that it predicts."""

    model_path: Path
    predicted: np.ndarray

    def validation_probabilities(self) -> np.ndarray:
        return np.eye(8)[self.predicted]


def test_each_network_is_explained_for_its_predictions_and_checked_against_random_weights(tmp_path) -> None:
    keras.utils.set_random_seed(5)
    network, positions = build("lenet_custom"), np.array([3, 1, 6])
    network.save(tmp_path / "network.keras")
    run = FinishedRun(tmp_path / "network.keras", predicted=CLASSES[::-1])
    maps, checks = explain({"lenet_custom": run}, CELLS.images, positions)
    expected = evidence_maps(network, CELLS.images[positions], CLASSES[::-1][positions])
    np.testing.assert_allclose(maps["lenet_custom"], expected, atol=1e-6)
    assert checks.loc["lenet_custom", "rank_correlation"] < 0.4
    again = explain({"lenet_custom": run}, CELLS.images, positions)[1]
    pd.testing.assert_frame_equal(again, checks)


def test_correlation_of_equal_opposite_scaled_and_constant_maps() -> None:
    maps, others = np.random.default_rng(0).normal(size=(2, 3, 48, 48))
    expected = np.mean([abs(spearmanr(a.ravel(), b.ravel()).statistic) for a, b in zip(maps, others, strict=True)])
    assert rank_correlation(maps, others) == pytest.approx(expected)
    assert rank_correlation(maps, 7 * maps) == pytest.approx(1)
    assert rank_correlation(maps, -maps) == pytest.approx(1)
    assert rank_correlation(maps, np.zeros_like(maps)) == 0


def test_a_network_read_from_a_file_has_the_same_maps(tmp_path) -> None:
    network = build("lenet_classic")
    network.save(tmp_path / "network.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    read = load_network(tmp_path / "network.keras")
    np.testing.assert_allclose(
        evidence_maps(read, images, np.arange(3)), evidence_maps(network, images, np.arange(3)), atol=1e-6
    )
