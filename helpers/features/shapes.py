"""The dark part of a cell image: its mask and its area, measured by scikit-image one image at a time."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage import filters, measure, util
from skimage.color import rgb2gray

from helpers.data import SIDE

FROM_CENTRE = np.hypot(*np.meshgrid(*[np.arange(SIDE) - (SIDE - 1) / 2] * 2))
"""(48, 48) distance of each pixel from the middle of the image, in pixels."""


def in_blocks(measure: Callable[..., np.ndarray], images: np.ndarray, size: int = 32) -> np.ndarray:
    """Return what ``measure`` gives for all images, handing it ``size`` at a time, few enough for a core's cache."""
    return np.concatenate([measure(images[at : at + size]) for at in range(0, len(images), size)])


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return (48, 48) uint8 luminance of a uint8 image (48, 48, 3)."""
    return np.asarray(util.img_as_ubyte(rgb2gray(image)))


def dark_parts(image: np.ndarray) -> np.ndarray:
    """Return (48, 48) labels from 1 on of the 8-connected parts that are darker than Otsu's threshold; 0 is no part.

    An image of one grey has none. Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    grey = to_grey(image)
    is_dark = (grey <= filters.threshold_otsu(grey)) & (np.ptp(grey) > 0)
    return np.asarray(measure.label(is_dark, connectivity=2))


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """Return the mask with every hole that no 8-connected path joins to the outside filled."""
    return np.asarray(ndimage.binary_fill_holes(mask, np.ones((3, 3))))


def cell_mask(image: np.ndarray) -> np.ndarray:
    """Return a bool mask of the cell in a uint8 image: its largest dark part with its holes filled.

    On these stains the threshold keeps the nucleus and dark cytoplasm; pale cytoplasm falls outside.
    """
    parts = dark_parts(image)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0  # what is no part
    return fill_holes((parts == sizes.argmax()) & (parts > 0))


def stained_areas(images: np.ndarray) -> np.ndarray:
    """Return (N,) float64: pixels of the dark part nearest each image's centre, with its holes filled.

    NaN where that part reaches the image's edge, so that some of it is missing or it is one with a neighbour, and
    where there is none. How much of a cell is dark differs by class: granules, nucleus and cytoplasm, or less.
    """

    def area(image: np.ndarray) -> float:
        parts = dark_parts(image)
        if not parts.any():
            return np.nan
        nearest = np.where(parts > 0, FROM_CENTRE, np.inf).argmin()
        part = fill_holes(parts == parts.flat[nearest])
        return np.nan if part.sum() > part[1:-1, 1:-1].sum() else part.sum()

    return np.array([area(image) for image in images], dtype=float)
