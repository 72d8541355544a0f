"""The networks are those the original report describes, layer by layer."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers.data.synthetic import draw_cells
from helpers.networks.architectures import BUILDERS, build


def described(network) -> list[tuple]:
    rows = []
    for layer in network.layers:
        config = layer.get_config()
        if isinstance(layer, layers.Conv2D):
            row = (config["filters"], config["kernel_size"], config["padding"], config["activation"])
            rows.append((layer.name, *row))
        elif isinstance(layer, layers.Dense):
            rows.append((layer.name, config["units"], config["activation"]))
        else:
            rows.append((layer.name, type(layer).__name__))
    return rows


def test_classical_lenet_is_the_reports() -> None:
    assert described(build("lenet_classic")) == [
        ("scale", "Rescaling"),
        ("C1", 6, (5, 5), "valid", "tanh"),
        ("S2", "MaxPooling2D"),
        ("C3", 16, (5, 5), "valid", "tanh"),
        ("S4", "MaxPooling2D"),
        ("flatten", "Flatten"),
        ("C5", 120, "tanh"),
        ("F6", 84, "tanh"),
        ("probabilities", 8, "softmax"),
    ]


def test_custom_lenet_is_the_reports() -> None:
    assert described(build("lenet_custom")) == [
        ("scale", "Rescaling"),
        ("C1", 32, (3, 3), "same", "relu"),
        ("S2", "MaxPooling2D"),
        ("C3", 64, (3, 3), "same", "relu"),
        ("S4", "MaxPooling2D"),
        ("flatten", "Flatten"),
        ("C5", 128, "relu"),
        ("F6", 84, "tanh"),
        ("probabilities", 8, "softmax"),
    ]


def test_alexnet_is_the_reports() -> None:
    kinds = [type(layer).__name__ for layer in build("alexnet").layers][1:]
    assert kinds == (
        ["Conv2D", "BatchNormalization", "MaxPooling2D"] * 2
        + ["Conv2D"] * 3
        + ["MaxPooling2D", "Flatten", "Dense", "Dropout", "Dense", "Dropout", "Dense"]
    )
    rows = [row for row in described(build("alexnet")) if row[0].startswith(("conv", "dense"))]
    assert rows == [
        *((f"conv{i}", n, (3, 3), "same", "relu") for i, n in enumerate((96, 256, 384, 384, 256), 1)),
        *((f"dense{i}", 1024, "relu") for i in (6, 7)),
    ]
    assert [layer.rate for layer in build("alexnet").layers if layer.name.startswith("dropout")] == [0.5, 0.5]


def test_alexnet_fixed_differs_from_it_in_how_fast_its_averages_move_and_in_nothing_else() -> None:
    printed, mended = build("alexnet"), build("alexnet_fixed")
    for network, momentum in ((printed, 0.99), (mended, 0.9)):
        assert [layer.momentum for layer in network.layers if layer.name.startswith("norm")] == [momentum] * 2
    configs = [[layer.get_config() for layer in network.layers] for network in (printed, mended)]
    for config in (each for network in configs for each in network):
        config.pop("momentum", None)
    assert configs[0] == configs[1]


def test_cellnet_is_small() -> None:
    assert build("cellnet").count_params() == 289_384


@pytest.mark.parametrize("name", BUILDERS)
def test_every_network_takes_plain_images_and_returns_probabilities(name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    probabilities = np.asarray(build(name)(images))
    assert probabilities.shape == (2, 8)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_scaling_inside_the_network_maps_0_and_255_to_minus_one_and_one() -> None:
    images = np.zeros((1, 48, 48, 3), np.uint8)
    images[0, 0, 0] = 255
    scaled = np.asarray(build("lenet_custom").get_layer("scale")(images))
    assert (scaled.min(), scaled.max()) == (-1, 1)


def test_cellnet_does_not_see_how_bright_or_yellow_the_light_is() -> None:
    keras.utils.set_random_seed(0)
    network = build("cellnet")
    images = draw_cells(8, seed=2).images.astype(np.float32)
    darker = np.rint(images * [0.9, 0.85, 0.6]).astype(np.uint8)
    expected = network.predict_on_batch(images.astype(np.uint8))
    np.testing.assert_allclose(network.predict_on_batch(darker), expected, atol=0.002)


def test_dividing_brings_the_brightest_block_to_white() -> None:
    network = build("divided")
    image = np.full((1, 48, 48, 3), 60, np.uint8)
    image[0, 12:18, 12:18] = (120, 200, 240)
    values = keras.Model(network.input, network.get_layer("conv1a").input).predict_on_batch(image)[0]
    np.testing.assert_allclose(values[14, 14], 1, atol=1e-5)
    np.testing.assert_allclose((values[0, 0] + 1) / 2, [0.5, 0.3, 0.25], atol=0.01)
