"""Cell masks, their areas and perimeters, measured for a whole block of images at once.

Every function takes and returns stacks: (N, 48, 48) planes or masks, (N,) or (N, D) numbers. The values equal
those of scikit-image called once per image (``tests/features/test_handcrafted.py`` holds the reference).
"""

from collections.abc import Callable
from functools import wraps

import numpy as np
from scipy import ndimage

from helpers.data import SIDE

BLOCK = 32
"""Images worked on at once: few enough for a core's cache, enough to hide Python's overhead."""

FROM_CENTRE = np.hypot(*np.meshgrid(*[np.arange(SIDE) - (SIDE - 1) / 2] * 2))
"""(48, 48) distance of each pixel from the middle of the image, in pixels."""

PERIMETER_WEIGHTS = np.zeros(50)
PERIMETER_WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1
PERIMETER_WEIGHTS[[21, 33]] = np.sqrt(2)
PERIMETER_WEIGHTS[[13, 23]] = (1 + np.sqrt(2)) / 2


def in_blocks(measure: Callable[[np.ndarray], np.ndarray], size: int = BLOCK) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``measure`` as a function of all the images that hands it ``size`` at a time."""

    @wraps(measure)
    def measure_all(images: np.ndarray) -> np.ndarray:
        return np.concatenate([measure(images[at : at + size]) for at in range(0, len(images), size)])

    return measure_all


def to_grey(images: np.ndarray) -> np.ndarray:
    """Return (N, 48, 48) uint8 luminance, rounded half up, with the weights of ``skimage.color.rgb2gray``."""
    # single precision holds these sums of whole numbers exactly
    weighted = images.astype(np.float32) @ np.array([2125, 7154, 721], np.float32)
    return np.asarray((weighted + 5000) / 10000, np.uint8)


def count_values(planes: np.ndarray, bins: int) -> np.ndarray:
    """Return (N, bins) int64: how often each value in [0, bins) occurs in each of N arrays of integers."""
    flat = planes.reshape(len(planes), -1)
    first_bin = bins * np.arange(len(flat))[:, None]
    return np.bincount((flat + first_bin).ravel(), minlength=len(flat) * bins).reshape(-1, bins)


def dark_side(planes: np.ndarray) -> np.ndarray:
    """Return bool masks of the pixels at or below Otsu's threshold in uint8 planes; a constant plane has none.

    Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    counts = count_values(planes, 256)
    dark, dark_sum = np.cumsum(counts, axis=1), np.cumsum(counts * np.arange(256), axis=1)
    bright, bright_sum = dark[:, -1:] - dark, dark_sum[:, -1:] - dark_sum
    is_split = (dark > 0) & (bright > 0)
    difference = dark_sum / np.maximum(dark, 1) - bright_sum / np.maximum(bright, 1)
    between = np.where(is_split, dark * bright * difference**2, -1)
    thresholds = np.where(is_split.any(axis=1), between.argmax(axis=1), -1).astype(np.int16)
    return np.asarray(planes <= thresholds[:, None, None])


def label_parts(masks: np.ndarray, between: bool) -> np.ndarray:
    """Return labels from 1 on of the 8-connected parts of the masks, numbered plane by plane; 0 is no part.

    The planes lie on one sheet with a frame of ``between`` around each: one image is labelled faster than many.
    """
    count, height, width = masks.shape
    sheet = np.full((count, height + 2, width + 2), between)
    sheet[:, 1:-1, 1:-1] = masks
    labels, _ = ndimage.label(sheet.reshape(-1, width + 2), np.ones((3, 3)))
    return np.asarray(labels.reshape(sheet.shape)[:, 1:-1, 1:-1])


def fill_holes(masks: np.ndarray) -> np.ndarray:
    """Return the masks with every hole that no 8-connected path joins to the outside filled."""
    # The frame is the first pixel met, and it joins the outside of all planes.
    return np.asarray(label_parts(~masks, between=True) != 1)


def cell_masks(planes: np.ndarray) -> np.ndarray:
    """Return bool masks of the cell: the largest part of the dark side of uint8 planes, its holes filled.

    On these stains the threshold keeps the nucleus and dark cytoplasm; pale cytoplasm falls outside. Of equal parts it
    is the first.
    """
    masks = dark_side(planes)
    labels = label_parts(masks, between=False)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0  # the background
    flat = labels.reshape(len(masks), -1)
    largest = np.take_along_axis(flat, sizes[flat].argmax(axis=1)[:, None], axis=1)
    return fill_holes(np.equal(labels, largest[:, :, None]) & masks)


@in_blocks
def stained_areas(images: np.ndarray) -> np.ndarray:
    """Return (N,) float64: pixels of the dark part (Otsu's threshold) nearest each image's centre, its holes filled.

    NaN where that part reaches the image's edge, so that some of it is missing or it is one with a neighbour, and
    where there is none. How much of a cell is dark differs by class: granules, nucleus and cytoplasm, or less.
    """
    masks = dark_side(to_grey(images))
    labels = label_parts(masks, between=False)
    from_centre = labels.reshape(len(masks), -1)[:, np.argsort(FROM_CENTRE, axis=None, kind="stable")]
    nearest = np.take_along_axis(from_centre, (from_centre > 0).argmax(axis=1)[:, None], axis=1)
    parts = fill_holes(np.equal(labels, nearest[:, :, None]) & masks)
    areas, inner = parts.sum(axis=(1, 2)), parts[:, 1:-1, 1:-1].sum(axis=(1, 2))
    return np.where((inner == areas) & (areas > 0), areas, np.nan)


def perimeters(masks: np.ndarray) -> np.ndarray:
    """Return (N,) float64: the length of each mask's border in pixels, 4-neighbourhood.

    Benkrid & Crookes 2000, Design and FPGA implementation of a perimeter estimator.
    """
    # one plane deep, the structures leave the masks of a stack apart
    border = masks & ~ndimage.binary_erosion(masks, ndimage.generate_binary_structure(2, 1)[None])
    codes = ndimage.convolve(border.view(np.uint8), np.array([[[10, 2, 10], [2, 1, 2], [10, 2, 10]]]), mode="constant")
    return np.asarray(count_values(codes, 50) @ PERIMETER_WEIGHTS)
