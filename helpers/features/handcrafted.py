"""Hand-crafted features of many cell images at once, as a table.

The report's four groups are colour histograms, local binary patterns, mean colour and the cell's perimeter; the
rich groups say which colours there are, where they lie, which of them touch, and how sharply and how often they change.
Values equal those of scikit-image called once per image; working on blocks of images is what makes it fast.
"""

from collections.abc import Callable, Iterable
from functools import partial

import joblib
import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.feature import graycomatrix
from skimage.transform import warp_polar

from helpers.data import SIDE
from helpers.features import shapes
from helpers.features.shapes import count_values, in_blocks

REPORT_GROUPS = {"histogram": 48, "lbp": 10, "mean_colour": 3, "perimeter": 1}
"""The feature groups of the original report, and how many features each has."""

RICH_GROUPS = {"joint_histogram": 216, "ring_histogram": 216, "co_occurrence": 324, "ring_edges": 180, "spectrum": 168}
"""Those that the best classical model reads besides; none changes when the image is turned by a right angle."""

GROUPS = REPORT_GROUPS | RICH_GROUPS

CHUNK = 2048
"""Images handed to a process at once."""

PIXELS = SIDE * SIDE
HISTOGRAM_BINS = 16
LEVELS = 8
RING_BINS = 12

RINGS = np.digitize(shapes.FROM_CENTRE, (5, 9, 13, 17, 22))
"""(48, 48), the ring of each pixel around the image's centre, 0 to 5; the outermost holds the corners."""

SLOPES = (2, 4, 8, 12, 18, 26, 36, 50, 70)
"""Limits of the ten bins of a gradient's magnitude, in grey levels per pixel."""


def to_lab(images: np.ndarray) -> np.ndarray:
    """Return (N, 48, 48, 3) uint8 CIELAB: L* times 2.55, a* times 2 plus 100, b* times 2 plus 140, clipped."""
    scaled = np.rint(rgb2lab(images) * (2.55, 2, 2) + (0, 100, 140))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def histograms(planes: np.ndarray, bins: int, rings: np.ndarray | int = 0) -> np.ndarray:
    """Return (N, R · bins): the share of the image's pixels in each equal bin of a uint8 plane, in each of R rings."""
    values = planes.astype(np.uint16) * bins // 256 + rings * bins
    return count_values(values, bins * (np.max(rings) + 1)) / PIXELS


PATTERNS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
IS_UNIFORM = (np.roll(PATTERNS, 1, axis=1) != PATTERNS).sum(axis=1) <= 2
PATTERN_CLASSES = np.eye(10)[np.where(IS_UNIFORM, PATTERNS.sum(axis=1), 9)]
"""(256, 10) float64, one-hot: the rotation-invariant uniform class of each 8-bit pattern."""


def local_binary_patterns(planes: np.ndarray) -> np.ndarray:
    """Return (N, 10): shares of the uniform patterns of the 8 neighbours at a distance of 1 in uint8 planes.

    Neighbours between pixels are interpolated bilinearly, those outside are 0. A tie between neighbour and centre is
    decided by the last digit of the interpolated value, so the weights carry the rounding of "position minus its
    floor" at every row and column, as in scikit-image.
    Ojala, Pietikäinen & Mäenpää 2002, doi:10.1109/TPAMI.2002.1017623.
    """
    padded = np.pad(planes.astype(np.float64), ((0, 0), (1, 1), (1, 1)))

    def between(values: np.ndarray, sign: int) -> np.ndarray:
        """Return what lies a diagonal neighbour's way before or behind each place along the last axis."""
        position = np.arange(SIDE) + sign * np.round(np.sin(np.pi / 4), 5)
        share, first = position - np.floor(position), 1 + int(np.floor(position[0]))
        near, far = values[..., first:][..., :SIDE], values[..., first + 1 :][..., :SIDE]
        return np.asarray(near * (1 - share) + far * share)

    is_not_darker = np.empty((8, *planes.shape), bool)
    for bit, (row, column) in enumerate(((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))):
        neighbours = padded[:, 1 + row :, 1 + column :][:, :SIDE, :SIDE]
        if row and column:
            neighbours = between(between(padded, column).swapaxes(1, 2), row).swapaxes(1, 2)
        is_not_darker[bit] = neighbours >= planes
    codes = np.packbits(is_not_darker, axis=0, bitorder="little")[0]
    return np.asarray(count_values(codes, 256) @ PATTERN_CLASSES / PIXELS)


def co_occurrences(planes: np.ndarray) -> np.ndarray:
    """Return (N, 108): how often 8 levels of a uint8 plane lie 1, 2 or 4 pixels apart, averaged over directions.

    The upper triangle of each symmetric matrix of shares. Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314.
    """
    low, high = np.triu_indices(LEVELS)
    settings = {"distances": (1, 2, 4), "angles": np.arange(4) * np.pi / 4, "levels": LEVELS}
    levels = planes // np.uint8(256 // LEVELS)
    matrices = np.stack([graycomatrix(plane, **settings, symmetric=True, normed=True) for plane in levels])
    return np.asarray(matrices.mean(axis=4)[:, low, high].swapaxes(1, 2).reshape(len(planes), -1))


def ring_edges(planes: np.ndarray) -> np.ndarray:
    """Return (N, 60): in each ring, the share of the image's pixels in each of ten bins of the gradient's magnitude.

    Gaussian derivatives with a standard deviation of 0.7 pixels.
    """
    slopes = np.stack([ndimage.gaussian_gradient_magnitude(plane, 0.7) for plane in planes.astype(np.float32)])
    return count_values(np.digitize(slopes, SLOPES) + 10 * RINGS, 60) / PIXELS


def angular_spectra(images: np.ndarray) -> np.ndarray:
    """Return (N, 168): how strongly each channel changes 1 to 8 times on the way around the centre, lobes for example.

    Magnitudes of the Fourier transform along 21 circles of 32 places, averaged over three neighbouring circles.
    """
    sampling = {"radius": 22, "output_shape": (32, 22), "channel_axis": 2, "preserve_range": True}
    circles = np.stack([warp_polar(image, **sampling) for image in images.astype(np.float32)])[:, :, 1:]
    magnitudes = np.abs(np.fft.rfft(circles, axis=1))[:, 1:9] / 32
    return np.asarray(magnitudes.reshape(len(images), 8, 7, 3, 3).mean(axis=3).reshape(len(images), -1))


def _block_features(images: np.ndarray, groups: Iterable[str]) -> np.ndarray:
    """Return (N, D) float32 of the groups, from few images at once."""
    grey, channels = shapes.to_grey(images), np.moveaxis(images, 3, 0)
    measure: dict[str, Callable[[], list[np.ndarray]]] = {
        "histogram": lambda: [histograms(channel, HISTOGRAM_BINS) for channel in channels],
        "lbp": lambda: [local_binary_patterns(grey)],
        "mean_colour": lambda: [images.mean(axis=(1, 2))],
        "perimeter": lambda: [shapes.perimeters(shapes.cell_masks(grey))[:, None]],
        "joint_histogram": lambda: [count_values(images // np.uint8(43) @ (36, 6, 1), 216) / PIXELS],
        "ring_histogram": lambda: [histograms(plane, RING_BINS, RINGS) for plane in np.moveaxis(to_lab(images), 3, 0)],
        "co_occurrence": lambda: [co_occurrences(channel) for channel in channels],
        "ring_edges": lambda: [ring_edges(channel) for channel in channels],
        "spectrum": lambda: [angular_spectra(images)],
    }
    return np.hstack([values for group in groups for values in measure[group]()], dtype=np.float32)


def extract_features(images: np.ndarray, groups: Iterable[str] = REPORT_GROUPS, *, jobs: int = -1) -> pd.DataFrame:
    """Return a table of float32 features, one row per image, columns named ``group/number``.

    ``images`` are uint8 (N, 48, 48, 3) RGB; ``jobs`` processes share the work (-1: one per core). KeyError for an
    unknown group.
    """
    names = [f"{group}/{number}" for group in groups for number in range(GROUPS[group])]
    chunks = [images[at : at + CHUNK] for at in range(0, len(images), CHUNK)]
    parallel = joblib.Parallel(n_jobs=1 if len(chunks) == 1 else jobs)
    measure = in_blocks(partial(_block_features, groups=groups))
    return pd.DataFrame(np.concatenate(parallel(map(joblib.delayed(measure), chunks))), columns=names)
