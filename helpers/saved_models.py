"""Saved models of every kind as functions from uint8 images to probabilities."""

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from helpers import features, networks
from helpers.data import CLASS_NAMES, SIDE
from helpers.errors import refused, refusing
from helpers.recipes import BATCH, THREADS

Predictor = Callable[[np.ndarray], np.ndarray]
"""From (N, 48, 48, 3) uint8 images to (N, 8) probabilities."""

TEMPERATURE = "temperature"
"""Name of a model's temperature in its file: a member of .keras and .skops (both are zips), a property of .onnx."""


def load_predictor(path: Path) -> Predictor:
    """Return the saved model at ``path`` (.keras, .skops or .onnx) as a function from images to probabilities.

    Nothing is unpickled, and no code in a file is run. Only .keras needs TensorFlow. InputError if there is no such
    file or it is not a model of this project.
    """
    with refusing(path, "a saved model"):  # the name may be too long for the file system
        if not path.is_file():
            raise refused(path, "no such file, expected a saved model (.keras, .skops or .onnx)")
    if path.suffix == ".skops":
        return partial(features.predict_probabilities, features.load_classical(path))
    if path.suffix == ".keras":
        return partial(networks.predict_probabilities, load_network(path))
    if path.suffix == ".onnx":
        session = _open_onnx(path)
        return lambda images: np.concatenate(
            [session.run(None, {"image": images[i : i + BATCH]})[0] for i in range(0, len(images), BATCH)]
        )
    raise refused(path, f"suffix {path.suffix!r} found, expected a saved model (.keras, .skops or .onnx)")


def load_network(path: Path) -> Any:
    """Return the Keras network saved at ``path``; InputError if it is not one or has other shapes than ours."""
    with refusing(path, "a Keras model"):
        network = networks.keras.saving.load_model(path, compile=False, safe_mode=True)
        found = (network.input_shape, network.output_shape)
    expected = ((None, SIDE, SIDE, 3), (None, len(CLASS_NAMES)))
    if found != expected:
        raise refused(path, f"maps {found[0]} to {found[1]}, expected {expected[0]} to {expected[1]}")
    return network


def _open_onnx(path: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = 4
    with refusing(path, "an ONNX model"):
        # from bytes, which refuses a model that refers to other files
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        ends = [*session.get_inputs(), *session.get_outputs()]
        found = [(end.name, end.type, list(end.shape[1:])) for end in ends]
    image, probabilities = ("tensor(uint8)", [SIDE, SIDE, 3]), ("tensor(float)", [len(CLASS_NAMES)])
    expected = [("image", *image), ("probabilities", *probabilities)]
    if found != expected:
        raise refused(path, f"inputs and outputs are {found}, expected {expected}")
    return session


def write_temperature(model: Path, temperature: float) -> None:
    """Add the temperature fitted on validation images (`helpers.evaluation.scores`) to a .keras or .skops file.

    The file still loads in plain Keras. The same input gives the same bytes.
    """
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr(zipfile.ZipInfo(TEMPERATURE), repr(float(temperature)))


def read_temperature(model: Path) -> float | None:
    """Return the temperature stored in a saved model of any kind, or None if there is none.

    InputError if the file cannot be read or its temperature is not a positive number.
    """
    with refusing(model, "a model with a temperature"):
        if model.suffix == ".onnx":
            text = _open_onnx(model).get_modelmeta().custom_metadata_map.get(TEMPERATURE)
        else:
            with zipfile.ZipFile(model) as archive:
                known = TEMPERATURE in archive.namelist()
                text = archive.open(TEMPERATURE).read(40).decode() if known else None
        temperature = None if text is None else float(text)
    if temperature is not None and not 0 < temperature < np.inf:
        raise refused(model, f"temperature {temperature} found, expected a positive number")
    return temperature
