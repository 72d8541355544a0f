"""Converts labels as stored to the eight classes, 0 to 7."""

import re
import unicodedata
from pathlib import Path

import numpy as np

from helpers.data.cells import CLASS_NAMES
from helpers.errors import refused

LABEL_OF_NAME: dict[str, int] = {
    **{name: label for label, name in enumerate(CLASS_NAMES)},
    **{str(label): label for label in range(len(CLASS_NAMES))},
    **{"ba": 0, "baso": 0, "eo": 1, "eos": 1, "erb": 2, "normoblast": 2},
    **{"ig": 3, "granulocyte immature": 3, "promyelocyte": 3, "pmy": 3, "myelocyte": 3, "my": 3},
    **{"metamyelocyte": 3, "mmy": 3, "ly": 4, "lym": 4, "lymph": 4, "mo": 5, "mono": 5},
    **{"ne": 6, "neu": 6, "neut": 6, "neutro": 6, "bne": 6, "sne": 6, "plt": 7, "thrombocyte": 7},
}
"""Class of each name, number and usual abbreviation, and of the stages of immature granulocytes."""


def class_index(name: str) -> int | None:
    """Return the label 0 to 7 of a class name, plural, abbreviation or digit, else None."""
    plain = re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", name).casefold().strip())
    return LABEL_OF_NAME.get(plain, LABEL_OF_NAME.get(re.sub(r"(?<=\D)s$", "", plain)))


def as_labels(values: np.ndarray, path: Path, key: str) -> tuple[np.ndarray, str]:
    """Return (N,) uint8 labels and a note from (N,), (N, 1), one-hot (N, 8) or names; raise InputError."""
    if values.shape == (len(values), len(CLASS_NAMES)):
        if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
            raise refused(path, f"'{key}' {values.dtype} {values.shape} is not one-hot, expected one 1 a row")
        return values.argmax(axis=1).astype(np.uint8), f"Labels were one-hot in “{key}”."

    values = values.ravel()
    if values.dtype.kind in "US":
        texts = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
        words, inverse = np.unique(texts, return_inverse=True)
        indices = [class_index(word) for word in words.tolist()]
        if None in indices:
            word = words[indices.index(None)][:40]
            raise refused(path, f"'{key}' holds the label {str(word)!r}, expected names of classes")
        return np.array(indices, np.uint8)[inverse], f"Labels were names in “{key}”."
    if values.dtype.kind not in "uif":
        raise refused(path, f"'{key}' is {values.dtype}, expected labels 0 to 7")
    outside = values[~np.isin(values, range(len(CLASS_NAMES)))]
    if len(outside):
        found = f"'{key}' holds {outside[0]:g} ({len(outside)} labels out of range)"
        raise refused(path, f"{found}, expected whole numbers 0 to 7, no NaN and nothing infinite")
    note = f"Labels were {values.dtype} in “{key}”." if values.dtype.kind == "f" else ""
    return values.astype(np.uint8), note
