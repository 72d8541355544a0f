"""Hand-crafted features of cell images, as a table with named columns.

The report's four groups are colour histograms, local binary patterns, mean colour and the cell's perimeter; the rich
groups describe where colours lie and which colours touch. scikit-image measures one image after the other.
"""

import joblib
import numpy as np
import pandas as pd
from skimage.color import rgb2lab
from skimage.feature import graycomatrix, local_binary_pattern
from skimage.measure import perimeter

from helpers.data import SIDE
from helpers.features.shapes import FROM_CENTRE, cell_mask, to_grey

REPORT_GROUPS = ("histogram", "lbp", "mean_colour", "perimeter")
"""The feature groups of the original report."""

RICH_GROUPS = ("ring_histogram", "co_occurrence")
"""The feature groups that the best classical model reads besides: colours by place, and colours that touch."""

CHUNK = 512
"""Images handed to a process at once."""

PIXELS = SIDE * SIDE
CHANNELS = ("red", "green", "blue")
LAB = ("lightness", "green_red", "blue_yellow")
HISTOGRAM_BINS = 16
DISTANCES = (1, 2, 4)
DIRECTIONS = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
LEVELS = 8
RING_BINS = 12

RINGS = np.digitize(FROM_CENTRE, (5, 9, 13, 17, 22))
RING_COUNT = 6
"""Rings around the image's centre, 0 to 5; the outermost holds the corners."""

PAIRS = np.triu_indices(LEVELS)
FEATURES = {
    "histogram": [f"{c}_{bin:02d}" for c in CHANNELS for bin in range(HISTOGRAM_BINS)],
    "lbp": [f"{pattern}" for pattern in range(10)],
    "mean_colour": list(CHANNELS),
    "perimeter": ["cell"],
    "ring_histogram": [
        f"{c}_ring{ring}_{bin:02d}" for c in LAB for ring in range(RING_COUNT) for bin in range(RING_BINS)
    ],
    "co_occurrence": [
        f"{c}_distance{d}_{low}_{high}" for c in CHANNELS for d in DISTANCES for low, high in zip(*PAIRS, strict=True)
    ],
}
"""The features of each group by name, in the order of their columns."""


def _shares(values: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) how often each whole number below ``count`` occurs, as shares of the pixels."""
    return np.bincount(values.ravel().astype(int), minlength=count) / PIXELS


def histograms(image: np.ndarray) -> np.ndarray:
    """Return (48,): the share of pixels in each of 16 equal bins of each channel."""
    return np.concatenate([_shares(plane // (256 // HISTOGRAM_BINS), HISTOGRAM_BINS) for plane in image.T])


def local_binary_patterns(image: np.ndarray) -> np.ndarray:
    """Return (10,): shares of the uniform patterns of the 8 neighbours at a distance of 1 in the grey image.

    Ojala, Pietikäinen & Mäenpää 2002, doi:10.1109/TPAMI.2002.1017623.
    """
    return _shares(local_binary_pattern(to_grey(image), 8, 1, "uniform"), 10)


def ring_histograms(image: np.ndarray) -> np.ndarray:
    """Return (216,): the share of pixels in each of 12 bins of each CIELAB channel, ring by ring.

    The bins divide L* from 0 to 100, a* from -50 to 77.5 and b* from -70 to 57.5.
    """
    scaled = np.clip(rgb2lab(image) * (2.55, 2, 2) + (0, 100, 140), 0, 255)
    bins = np.rint(scaled).astype(int) * RING_BINS // 256
    return np.concatenate(
        [_shares(plane + RINGS * RING_BINS, RING_COUNT * RING_BINS) for plane in np.moveaxis(bins, 2, 0)]
    )


def co_occurrences(image: np.ndarray) -> np.ndarray:
    """Return (324,): how often 8 levels of each channel lie 1, 2 or 4 pixels apart, averaged over directions.

    The upper triangle of each symmetric matrix of shares. Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314.
    """
    planes = np.moveaxis(image // (256 // LEVELS), 2, 0)
    matrices = [graycomatrix(plane, DISTANCES, DIRECTIONS, LEVELS, symmetric=True, normed=True) for plane in planes]
    return np.concatenate([matrix.mean(axis=3)[PAIRS].T.ravel() for matrix in matrices])


MEASURES = {
    "histogram": histograms,
    "lbp": local_binary_patterns,
    "mean_colour": lambda image: image.mean(axis=(0, 1)),
    "perimeter": lambda image: np.array([perimeter(cell_mask(image))]),
    "ring_histogram": ring_histograms,
    "co_occurrence": co_occurrences,
}
"""By group, what measures one uint8 image (48, 48, 3)."""


def _measure(images: np.ndarray, groups: tuple[str, ...]) -> np.ndarray:
    """Return (N, D) float32 of the groups."""
    return np.array([np.concatenate([MEASURES[group](image) for group in groups]) for image in images], np.float32)


def extract_features(images: np.ndarray, groups: tuple[str, ...] = REPORT_GROUPS, *, jobs: int = -1) -> pd.DataFrame:
    """Return a table of float32 features, one row per image, columns named ``group/feature``.

    ``images`` are uint8 (N, 48, 48, 3) RGB; ``jobs`` processes share the work (-1: one per core). KeyError for an
    unknown group.
    """
    names = [f"{group}/{name}" for group in groups for name in FEATURES[group]]
    chunks = [images[at : at + CHUNK] for at in range(0, len(images), CHUNK)]
    parallel = joblib.Parallel(n_jobs=1 if len(chunks) == 1 else jobs)
    values = parallel(joblib.delayed(_measure)(chunk, groups) for chunk in chunks)
    return pd.DataFrame(np.concatenate(values), columns=names)
