"""Saved models of every kind behind one door: uint8 images in, probabilities out."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from helpers import BATCH, THREADS
from helpers.cells import CLASS_NAMES, SIDE, InputError
from helpers.storage import written_atomically

Scorer = Callable[[np.ndarray], np.ndarray]
"""From (N, 48, 48, 3) uint8 images to (N, 8) probabilities."""

TEMPERATURE = "temperature"
"""Where a model file keeps its temperature: a member of .keras and .skops (both are zips), a property of .onnx."""


def load_scorer(path: Path) -> Scorer:
    """Return the saved model at ``path`` (.keras, .skops or .onnx) as a function from images to probabilities.

    Nothing is unpickled, and code inside a file is never run. TensorFlow is imported for .keras only.

    Raises
    ------
    InputError
        There is no such file, or it is not a model of this project.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a saved model (.keras, .skops or .onnx)")
    if path.suffix == ".skops":
        from helpers.classical import load_classical, predict_probabilities

        classical = load_classical(path)
        return lambda images: predict_probabilities(classical, images)
    if path.suffix == ".keras":
        from helpers import training

        network = load_network(path)
        return lambda images: training.predict_probabilities(network, images)
    if path.suffix == ".onnx":
        session = _open_onnx(path)
        return lambda images: np.concatenate(
            [session.run(None, {"image": images[i : i + BATCH]})[0] for i in range(0, len(images), BATCH)]
        )
    raise InputError(
        f"{path}: suffix {path.suffix!r} found, expected a saved model (.keras, .skops or .onnx)"
    )


def load_network(path: Path) -> Any:
    """Return the Keras network saved at ``path``; InputError where it is none, or maps other shapes than ours."""
    from helpers.backend import keras

    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        found = (network.input_shape, network.output_shape)
    except Exception as error:
        # Keras raises whatever its parts raise: any of it means that the file is not what it claims to be.
        raise InputError(f"{path}: cannot be read as a Keras model ({_one_line(error)})") from error
    expected = ((None, SIDE, SIDE, 3), (None, len(CLASS_NAMES)))
    if found != expected:
        raise InputError(f"{path}: maps {found[0]} to {found[1]}, expected {expected[0]} to {expected[1]}")
    return network


def _open_onnx(path: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = 4
    try:
        # from bytes: a file that names others, outside it, is refused
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        ends = [*session.get_inputs(), *session.get_outputs()]
        found = [(end.name, end.type, list(end.shape[1:])) for end in ends]
    except Exception as error:
        # ONNX Runtime has an exception for each kind of defect, without a common base
        raise InputError(f"{path}: cannot be read as an ONNX model ({_one_line(error)})") from error
    expected = [
        ("image", "tensor(uint8)", [SIDE, SIDE, 3]),
        ("probabilities", "tensor(float)", [len(CLASS_NAMES)]),
    ]
    if found != expected:
        raise InputError(f"{path}: inputs and outputs are {found}, expected {expected}"[:400])
    return session


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def write_temperature(model: Path, temperature: float) -> None:
    """Put the temperature fitted on validation images (`helpers.calibration`) into a .keras or .skops file.

    The file is replaced as a whole; it loads as before, here and in plain Keras. Same input, same bytes.
    """
    with (
        written_atomically(model) as temporary,
        zipfile.ZipFile(model) as old,
        zipfile.ZipFile(temporary, "w") as new,
    ):
        for member in old.infolist():
            if member.filename != TEMPERATURE:
                new.writestr(member, old.read(member))
        new.writestr(zipfile.ZipInfo(TEMPERATURE), repr(float(temperature)))


def read_temperature(model: Path) -> float | None:
    """Return the temperature that travels with a saved model of any kind, or None where none was fitted.

    Raises
    ------
    InputError
        The file cannot be read, or its temperature is not a positive number.
    """
    try:
        if model.suffix == ".onnx":
            text = _open_onnx(model).get_modelmeta().custom_metadata_map.get(TEMPERATURE)
        else:
            with zipfile.ZipFile(model) as archive:
                known = TEMPERATURE in archive.namelist()
                text = archive.open(TEMPERATURE).read(40).decode() if known else None
        temperature = None if text is None else float(text)
    except InputError:
        raise
    except Exception as error:  # a damaged zip fails in as many ways as there are compressions
        raise InputError(f"{model}: its temperature cannot be read ({_one_line(error)})") from error
    if temperature is not None and not (math.isfinite(temperature) and temperature > 0):
        raise InputError(f"{model}: temperature {temperature} found, expected a positive number")
    return temperature
