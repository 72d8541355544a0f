"""Networks written as ONNX answer like Keras, in the same bytes every time, and carry their background."""

import numpy as np
import pytest

from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.features.look import fit_look
from helpers.networks.architectures import BUILDERS, build
from helpers.networks.backend import keras
from helpers.onnx_export import export_onnx
from helpers.saved_models import Background, load_predictor, read_background, write_background

IMAGES = draw_cells(60, seed=3).images


def uneven(network: keras.Model) -> keras.Model:
    """Return the network with scales, shifts and batch statistics as different as those of a trained one."""
    generator = np.random.default_rng(0)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.gamma.assign(generator.uniform(0.5, 2, norm.gamma.shape))
        norm.beta.assign(generator.normal(size=norm.beta.shape))
        norm.momentum = 0.0
    if norms:
        network(IMAGES, training=True)
    return network


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - {"alexnet", "alexnet_fixed", "divided", "grouped", "residual"}))
def test_every_network_answers_as_in_keras(name, tmp_path) -> None:
    keras.utils.set_random_seed(0)
    uneven(build(name)).save(tmp_path / "network.keras")
    export_onnx(tmp_path / "network.keras", tmp_path / "network.onnx")
    expected = load_predictor(tmp_path / "network.keras")(IMAGES)
    found = load_predictor(tmp_path / "network.onnx")(IMAGES)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert found.dtype == np.float32
    assert np.ptp(expected, axis=0).max() > 0.01  # the network does tell these images apart


def unusual_network() -> keras.Model:
    layers = keras.layers
    image = keras.Input((48, 48, 3), dtype="uint8")
    x = layers.Rescaling([0.01, 0.02, 0.005], offset=[-1, 0.5, 0])(image)
    x = layers.Conv2D(8, (3, 5), strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(8, 4, strides=2, padding="valid")(x)
    x = layers.Conv2D(8, 1, activation="tanh")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(8, activation="softmax")(x))


def test_odd_windows_and_scales_answer_as_in_keras(tmp_path) -> None:
    keras.utils.set_random_seed(1)
    unusual_network().save(tmp_path / "network.keras")
    export_onnx(tmp_path / "network.keras", tmp_path / "network.onnx")
    expected = load_predictor(tmp_path / "network.keras")(IMAGES)
    np.testing.assert_allclose(load_predictor(tmp_path / "network.onnx")(IMAGES), expected, atol=1e-5)


def test_the_same_network_gives_the_same_bytes_with_its_background(tmp_path) -> None:
    build("lenet_classic").save(tmp_path / "network.keras")
    look = fit_look(IMAGES[:40], IMAGES[40:])
    background = Background(1.25, "cells of é", True, np.array([3, 2**64 - 1], np.uint64), look)
    write_background(tmp_path / "network.keras", background)
    for name in "ab":
        export_onnx(tmp_path / "network.keras", tmp_path / f"{name}.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    found = read_background(tmp_path / "a.onnx")
    assert (found.temperature, found.source, found.is_synthetic) == (1.25, "cells of é", True)
    np.testing.assert_array_equal(found.codes, background.codes)
    np.testing.assert_array_equal(found.look.is_familiar(IMAGES), look.is_familiar(IMAGES))


@pytest.mark.parametrize(
    ("odd", "refusal"),
    [
        (keras.layers.Conv2D(4, 3, activation="gelu", name="odd"), "activation 'gelu'"),
        (keras.layers.Conv2D(4, 3, dilation_rate=2, name="odd"), "this Conv2D"),
        (keras.layers.BatchNormalization(scale=False, name="odd"), "this BatchNormalization"),
        (keras.layers.ReLU(max_value=6, name="odd"), "this ReLU"),
        (keras.layers.AveragePooling2D(2, name="odd"), "this AveragePooling2D"),
    ],
)
def test_an_unknown_layer_is_named_and_nothing_is_written(odd, refusal, tmp_path) -> None:
    network = keras.Sequential(
        [
            keras.Input((48, 48, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            odd,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(8, activation="softmax"),
        ]
    )
    network.save(tmp_path / "network.keras")
    with pytest.raises(InputError, match=f"'odd': {refusal}"):
        export_onnx(tmp_path / "network.keras", tmp_path / "network.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["network.keras"]
