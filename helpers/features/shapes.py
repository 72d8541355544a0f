"""Cell masks, their shapes and the colours in them, measured for a whole block of images at once.

Every function takes and returns stacks: (N, 48, 48) planes or masks, (N,) or (N, D) numbers. The values equal
those of scikit-image called once per image (``tests/features/test_handcrafted.py`` holds the reference).
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.measure import moments_hu

from helpers.data import SIDE

BLOCK = 32
"""Images worked on at once: few enough for a core's cache, enough to hide Python's overhead."""

FROM_CENTRE = np.hypot(*np.meshgrid(*[np.arange(SIDE) - (SIDE - 1) / 2] * 2))
"""(48, 48) distance of each pixel from the middle of the image, in pixels."""

PERIMETER_WEIGHTS = np.zeros(50)
PERIMETER_WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1
PERIMETER_WEIGHTS[[21, 33]] = np.sqrt(2)
PERIMETER_WEIGHTS[[13, 23]] = (1 + np.sqrt(2)) / 2

SHAPE_NAMES = (
    *("parts", "area", "largest_area", "hole_area", "perimeter", "circularity", "eccentricity", "off_centre"),
    *(f"eroded_{step}" for step in range(1, 7)),
    *(f"hu_{order}" for order in range(1, 8)),
)
"""What ``measure_shapes`` measures: numbers of pixels, ratios in [0, 1], and the sizes of Hu's seven moments."""


def in_blocks(measure: Callable[..., np.ndarray], *arrays: np.ndarray, size: int = BLOCK) -> np.ndarray:
    """Return what ``measure`` gives for all the images (or planes, or masks), handing it ``size`` at a time."""
    starts = range(0, len(arrays[0]), size)
    return np.concatenate([measure(*(array[at : at + size] for array in arrays)) for at in starts])


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


def largest_parts(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return masks of each plane's largest 8-connected part (the first of equals), and (N,) numbers of parts."""
    labels = label_parts(masks, between=False)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0  # the background
    flat = labels.reshape(len(masks), -1)
    largest = np.take_along_axis(flat, sizes[flat].argmax(axis=1)[:, None], axis=1)
    parts = np.diff(np.maximum.accumulate(flat.max(axis=1)), prepend=0)
    return np.equal(labels, largest[:, :, None]) & masks, parts


def fill_holes(masks: np.ndarray) -> np.ndarray:
    """Return the masks with every hole that no 8-connected path joins to the outside filled."""
    # The frame is the first pixel met, and it joins the outside of all planes.
    return np.asarray(label_parts(~masks, between=True) != 1)


def cell_masks(planes: np.ndarray) -> np.ndarray:
    """Return bool masks of the cell: the largest part of the dark side of uint8 planes, its holes filled.

    On these stains the threshold keeps the nucleus and dark cytoplasm; pale cytoplasm falls outside.
    """
    return fill_holes(largest_parts(dark_side(planes))[0])


def stained_areas(images: np.ndarray) -> np.ndarray:
    """Return (N,) float64: pixels of the dark part (Otsu's threshold) nearest each image's centre, its holes filled.

    NaN where that part reaches the image's edge, so that some of it is missing or it is one with a neighbour, and
    where there is none. How much of a cell is dark differs by class: granules, nucleus and cytoplasm, or less.
    """

    def measure(block: np.ndarray) -> np.ndarray:
        masks = dark_side(to_grey(block))
        labels = label_parts(masks, between=False)
        from_centre = labels.reshape(len(masks), -1)[:, np.argsort(FROM_CENTRE, axis=None, kind="stable")]
        nearest = np.take_along_axis(from_centre, (from_centre > 0).argmax(axis=1)[:, None], axis=1)
        parts = fill_holes(np.equal(labels, nearest[:, :, None]) & masks)
        areas, inner = parts.sum(axis=(1, 2)), parts[:, 1:-1, 1:-1].sum(axis=(1, 2))
        return np.where((inner == areas) & (areas > 0), areas, np.nan)

    return in_blocks(measure, images)


def erode(masks: np.ndarray, *, diagonally: bool) -> np.ndarray:
    """Return the masks less all pixels that touch the outside, or the image's edge, with a side (or with a corner)."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    upright = padded[:, :-2] & padded[:, 1:-1] & padded[:, 2:]
    beside = upright if diagonally else padded[:, 1:-1]
    return np.asarray(beside[:, :, :-2] & upright[:, :, 1:-1] & beside[:, :, 2:])


def perimeters(masks: np.ndarray) -> np.ndarray:
    """Return (N,) float64: the length of each mask's border in pixels, 4-neighbourhood.

    Benkrid & Crookes 2000, Design and FPGA implementation of a perimeter estimator.
    """
    border = np.pad(masks & ~erode(masks, diagonally=False), ((0, 0), (1, 1), (1, 1))).view(np.uint8)
    middle, sides = border[:, :, 1:-1], border[:, :, :-2] + border[:, :, 2:]
    straight, diagonal = middle[:, :-2] + sides[:, 1:-1] + middle[:, 2:], sides[:, :-2] + sides[:, 2:]
    codes = middle[:, 1:-1] + 2 * straight + 10 * diagonal
    return np.asarray(count_values(codes, 50) @ PERIMETER_WEIGHTS)


def hu_moments(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (N, 7) Hu moments, (N,) eccentricity and (N, 2) centroid (row, column) of bool masks.

    All are 0 where a mask is empty. Hu 1962, doi:10.1109/TIT.1962.1057692.
    """
    area = np.maximum(masks.sum(axis=(1, 2)), 1).astype(float)
    at, order = np.arange(SIDE, dtype=float), np.arange(4)
    centroid = np.stack([masks.sum(axis=axis) @ at / area for axis in (2, 1)], axis=1)
    powers = (at - centroid[..., None])[:, :, None] ** order[:, None]
    central = powers[:, 0] @ masks.astype(float) @ powers[:, 1].transpose(0, 2, 1)
    normalised = central / area[:, None, None] ** (np.add.outer(order, order) / 2 + 1)
    moments = np.reshape([moments_hu(each) for each in normalised], (-1, 7))  # type: ignore
    spread = np.sqrt(moments[:, 1])
    long, short = moments[:, 0] + spread, moments[:, 0] - spread
    eccentricity = np.sqrt(np.clip(1 - short / np.where(long > 0, long, 1), 0, 1)) * (long > 0)
    return moments, eccentricity, centroid


def measure_shapes(masks: np.ndarray) -> np.ndarray:
    """Return (N, 21) measures of bool masks, in the order of SHAPE_NAMES; 0 throughout where a mask is empty.

    Parts, area and circularity (4 pi area / perimeter^2 of the largest part, holes filled) tell lobed from round;
    eroded_k is the share of that part's area left after k erosions.
    """
    largest, parts = largest_parts(masks)
    filled = fill_holes(largest)
    area = filled.sum(axis=(1, 2))
    perimeter = perimeters(filled)
    circularity = 4 * np.pi * area / np.where(perimeter > 0, perimeter, np.inf) ** 2
    moments, eccentricity, centroid = hu_moments(filled)
    off_centre = np.hypot(*(centroid - (masks.shape[1] - 1) / 2).T) * (area > 0)
    left, eroded = filled, []
    for step in range(6):
        left = erode(left, diagonally=step % 2 == 1)
        eroded.append(left.sum(axis=(1, 2)) / np.maximum(area, 1))
    holes = area - largest.sum(axis=(1, 2))
    named = (parts, masks.sum(axis=(1, 2)), area, holes, perimeter, circularity, eccentricity, off_centre)
    return np.column_stack([*named, *eroded, np.abs(moments)])


def mask_colours(lab: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return (N, 18): mean, then standard deviation, of uint8 CIELAB in the cell, a rim 4 pixels wide and outside.

    Both are 0 where a region is empty.
    """
    grown = ndimage.maximum_filter(cells, (1, 9, 9), mode="constant")
    parts = np.stack([cells, grown & ~cells, ~grown], axis=1)
    regions = parts.reshape(len(cells), 3, -1).astype(np.float64)
    area = np.maximum(regions.sum(axis=2, keepdims=True), 1)
    values = lab.reshape(len(lab), -1, 3).astype(np.float64)
    sums, squares = regions @ values, regions @ values**2
    deviation = np.sqrt(area * squares - sums**2) / area  # sums of whole numbers: exact, never below 0
    return np.concatenate([sums / area, deviation], axis=1).reshape(len(cells), 18)
