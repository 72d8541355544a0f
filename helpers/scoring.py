"""Saved models of every kind behind one door: uint8 images in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from helpers.cells import CLASS_NAMES, SIDE, InputError

Scorer = Callable[[np.ndarray], np.ndarray]
"""From (N, 48, 48, 3) uint8 images to (N, 8) probabilities."""


def load_scorer(path: Path) -> Scorer:
    """Return the saved model at ``path`` (.keras or .skops) as a function from images to probabilities.

    Nothing is unpickled, and code inside a file is never run.

    Raises
    ------
    InputError
        There is no such file, or it is not a model of this project.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a saved model (.keras or .skops)")
    if path.suffix == ".skops":
        from helpers.classical import load_classical, predict_probabilities

        classical = load_classical(path)
        return lambda images: predict_probabilities(classical, images)
    if path.suffix == ".keras":
        return _load_keras(path)
    raise InputError(f"{path}: suffix {path.suffix!r} found, expected a saved model (.keras or .skops)")


def _load_keras(path: Path) -> Scorer:
    from helpers.backend import keras
    from helpers.training import predict_probabilities

    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        found = (network.input_shape, network.output_shape)
    except Exception as error:
        # Keras raises whatever its parts raise: any of it means that the file is not what it claims to be.
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as a Keras model ({reason})") from error
    expected = ((None, SIDE, SIDE, 3), (None, len(CLASS_NAMES)))
    if found != expected:
        raise InputError(f"{path}: maps {found[0]} to {found[1]}, expected {expected[0]} to {expected[1]}")
    return lambda images: predict_probabilities(network, images)
