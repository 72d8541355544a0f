"""The map of images on a tiny network whose answers the test can follow."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from helpers.evaluation import embed
from helpers.networks import keras


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """Return the path of a network whose last layer reads the mean colour of an image."""
    path = tmp_path_factory.mktemp("network") / "mean.keras"
    layers = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(8, activation="softmax")]
    keras.Sequential([keras.Input((48, 48, 3)), keras.layers.Rescaling(1 / 255), *layers]).save(path)
    return path


def coloured(count: int) -> np.ndarray:
    """Return so many noisy images each of red, green and blue, in turn, as uint8."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 60, (3 * count, 48, 48, 3))
    for colour in range(3):
        images[colour::3, ..., colour] += 150 + generator.integers(0, 40, (count, 1, 1))
    return images.astype(np.uint8)


def test_clusters_stay_apart_and_the_map_is_the_same_again(network) -> None:
    images = coloured(15)
    points = embed(network, images)
    assert points.shape == (45, 2)
    assert points.dtype == np.float32
    nearest = (cdist(points, points) + np.diag(np.full(45, np.inf))).argmin(axis=1)
    assert (nearest % 3 == np.arange(45) % 3).all()
    np.testing.assert_array_equal(embed(network, images), points)


def test_three_images_are_enough(network) -> None:
    assert np.isfinite(embed(network, coloured(1))).all()
