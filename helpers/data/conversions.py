"""Converts images as stored to uint8 RGB of 48 x 48 pixels, and says so in notes."""

from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data.constants import SIDE
from helpers.errors import refused, some_of

CROPS = ("auto", "full-frame", "cell")
"""Ways to frame a cell: by the size of the image, its whole central square, or the middle where a cell lies."""


def value_scale(values: np.ndarray, name: object, path: Path) -> tuple[float, float, str]:
    """Return (factor, offset, range in words) that convert values to [0, 255]; raise InputError if unclear."""
    dtype, near = values.dtype, 1e-3
    if dtype == np.uint8:
        return 1.0, 0.0, ""
    low, high = float(values.min()), float(values.max())  # NaN where one is
    found = f"{dtype} from {low:g} to {high:g}, as"
    if dtype.kind in "ui":
        if low >= 0 and high <= 255:
            return 1.0, 0.0, f"{found} 0 to 255"
    # Filters overshoot a little. Values within [-0.5, 0.5] may have exactly this range.
    elif low >= -0.2 and high <= 1.1:
        return 255.0, 0.0, f"{found} [0, 1]{', and clipped them' if low < -near or high > 1 + near else ''}"
    elif -1 - near <= low < -0.5 - near and high <= 1 + near:
        return 127.5, 127.5, f"{found} [-1, 1]"
    elif low >= -0.5 and 16 < high <= 255.5:
        return 1.0, 0.0, f"{found} 0 to 255"
    if not np.isfinite(high - low):
        raise refused(path, f"{name} holds NaN or infinite values; replace them or remove these images")
    hint = "undo the shift or standardisation" if low < 0 else "divide by the largest possible value, such as 65,535"
    raise refused(path, f"{name} has values {low:g} to {high:g}, expected 0 to 255, 0 to 1 or -1 to 1; {hint}")


def as_uint8(values: np.ndarray) -> np.ndarray:
    """Return values rounded to uint8; those outside of [0, 255] become the nearest end."""
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def is_usable_size(height: int, width: int) -> bool:
    """Return whether an image can show one cell: sides of 16 to 4,096 pixels, none twice as long as the other."""
    shorter, longer = sorted((height, width))
    return shorter >= 16 and longer <= min(2 * shorter, 4096)


def cropped_side(height: int, width: int, crop: str) -> int:
    """Return the side of the central square that we keep, for one of `CROPS`.

    CellaVision's images have about 360 x 363 pixels, of which the original report's data.npz contains the central
    200 x 200.
    """
    if crop == "cell" or (crop == "auto" and {height, width} <= {*range(350, 381)}):
        return 200 if 350 <= min(height, width) <= 380 else round(200 / 360 * min(height, width))
    return min(height, width)


def to_side(image: np.ndarray, crop: str) -> np.ndarray:
    """Return (48, 48, 3) uint8: the central square of an (H, W, 3) uint8 image, resampled.

    Pillow's bicubic filter prevents aliasing where it reduces an image.
    """
    height, width = image.shape[:2]
    side = cropped_side(height, width, crop)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(image[top : top + side, left : left + side])
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))  # as it is where it has this size


def geometry_notes(sizes: np.ndarray, crop: str) -> list[str]:
    """Return a sentence on how images of ``sizes`` (N, 2) were cropped and resampled, if any was."""
    found = []
    for (height, width), count in zip(*np.unique(sizes, axis=0, return_counts=True), strict=True):
        side = cropped_side(int(height), int(width), crop)
        if (height, width) != (SIDE, SIDE):
            found.append(f"the central {side} × {side} of {height} × {width} pixels (n = {count:,})")
    how = f"to {SIDE} × {SIDE} pixels by Pillow’s antialiased bicubic filter, which adds no detail where it enlarges"
    return [f"We resampled {some_of(found, 5)} {how}. The frame follows from --crop {crop}."] if found else []
