"""Converts images as stored to uint8 RGB of 48 x 48 pixels and labels to the eight classes, and says so in notes."""

import re
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data.constants import CLASS_NAMES, SIDE
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


def value_scale(arrays: list[np.ndarray], name: object, path: Path) -> tuple[float, float, str]:
    """Return (factor, offset, note) that convert the values of all arrays to [0, 255]; raise InputError if unclear."""
    dtype, near = arrays[0].dtype, 1e-3
    if dtype == np.uint8:
        return 1.0, 0.0, ""
    low = float(np.min([array.min() for array in arrays]))  # NaN where one is
    high = float(np.max([array.max() for array in arrays]))
    if dtype.kind in "ui":
        if low >= 0 and high <= 255:
            return 1.0, 0.0, f"We converted pixels from {dtype} in 0 to 255."
    elif low >= -near and high <= 1 + near:
        return 255.0, 0.0, f"We rescaled pixels from {dtype} in [0, 1]."
    # Values within [-0.5, 0.5] may have exactly this range; to assume [-1, 1] would halve the contrast.
    elif low >= -1 - near and high <= 1 + near and max(-low, high) > 0.5 + near:
        return 127.5, 127.5, f"We rescaled pixels from {dtype} in [-1, 1]."
    elif low >= -0.5 and 16 < high <= 255.5:
        return 1.0, 0.0, f"We rounded pixels from {dtype} in 0 to 255."
    expected = "expected 0 to 255, 0 to 1 or -1 to 1, no NaN and nothing infinite"
    raise refused(path, f"{name} has values {low:g} to {high:g}, {expected}")


def as_uint8(values: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """Return ``values * factor + offset`` rounded to uint8."""
    if values.dtype.kind in "ui":
        return values.astype(np.uint8)
    return np.asarray(np.rint(np.clip(values.astype(np.float32) * factor + offset, 0, 255)), np.uint8)


def as_rgb(images: np.ndarray) -> np.ndarray:
    """Return (…, 3) uint8 from grey (1), RGB (3) or RGBA (4, put on white) channels."""
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    if images.shape[-1] == 4:
        alpha = images[..., 3:].astype(np.uint16)  # the sum below is at most 65,152
        return np.asarray((images[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255, np.uint8)
    return images


def is_usable_size(height: int, width: int) -> bool:
    """Return whether an image can show one cell: sides of 16 to 4,096 pixels, none twice as long as the other."""
    shorter, longer = sorted((height, width))
    return shorter >= 16 and longer <= min(2 * shorter, 4096)


def cropped_side(height: int, width: int) -> int:
    """Return the side of the central square that we keep.

    CellaVision's images have about 360 x 363 pixels, of which the original report's data.npz contains the central
    200 x 200.
    """
    is_original = {height, width} <= {*range(350, 381)}
    return 200 if is_original else min(height, width)


def to_side(image: np.ndarray) -> np.ndarray:
    """Return (48, 48, 3) uint8: the central square of an (H, W, 3) uint8 image, resampled.

    Pillow's bicubic filter prevents aliasing where it reduces an image.
    """
    height, width = image.shape[:2]
    side = cropped_side(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    if side == SIDE:
        return image[top : top + side, left : left + side]
    square = Image.fromarray(image).crop((left, top, left + side, top + side))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def geometry_notes(sizes: np.ndarray) -> tuple[str, ...]:
    """Return a sentence per size among ``sizes`` (N, 2) that was cropped or resampled, at most six."""
    notes = []
    for (height, width), count in zip(*np.unique(sizes, axis=0, return_counts=True), strict=True):
        side = cropped_side(int(height), int(width))
        steps = [f"cropped to the central {side} × {side}"] if (height, width) != (side, side) else []
        if side > SIDE:
            steps.append(f"reduced to {SIDE} × {SIDE} by Pillow’s antialiased bicubic filter")
        if side < SIDE:
            steps.append(f"enlarged to {SIDE} × {SIDE} by Pillow’s bicubic filter, which adds no detail")
        if steps:
            notes.append(f"Images of {height} × {width} pixels (n = {count:,}) were {' and '.join(steps)}.")
    return (*notes[:5], f"We treated {len(notes) - 5} other sizes alike.") if len(notes) > 6 else tuple(notes)


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
