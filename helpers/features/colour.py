"""The colour statistics of the original report's exploration: six numbers per image."""

import numpy as np
import pandas as pd

from helpers.data import LUMINANCE
from helpers.features.shapes import in_blocks

GREY_THRESHOLD = 128
"""Grey value that parts "black" (below) from "white" (at or above) pixels, in [0, 255]."""

COLOURS = ("red", "green", "blue", "grey", "black", "white")
"""The six statistics, in the order of their columns."""


def colour_statistics(images: np.ndarray, threshold: int = GREY_THRESHOLD) -> pd.DataFrame:
    """Return the columns `COLOURS`: each image's means of red, green, blue and grey, and of its black and white pixels.

    ``images`` are (N, 48, 48, 3) uint8 RGB, the means float64 in [0, 255]. An image with no pixel on one side of the
    ``threshold`` has a missing value there.
    """

    @in_blocks
    def measure(block: np.ndarray) -> np.ndarray:
        grey = (block.astype(np.float32) @ LUMINANCE).reshape(len(block), -1)
        is_dark = grey < threshold
        sides = (np.ma.masked_array(grey, is_left_out) for is_left_out in (False, ~is_dark, is_dark))
        greys = [side.mean(axis=1, dtype=np.float64).filled(np.nan) for side in sides]
        return np.column_stack([block.mean(axis=(1, 2), dtype=np.float64), *greys])

    return pd.DataFrame(measure(images), columns=list(COLOURS))


def blue_residual(statistics: pd.DataFrame) -> pd.Series:
    """Return what a linear fit of mean blue on mean red and green leaves over, in grey levels, per image."""
    design = np.column_stack([np.ones(len(statistics)), statistics["red"], statistics["green"]])
    weights = np.linalg.lstsq(design, statistics["blue"].to_numpy(), rcond=None)[0]
    return statistics["blue"] - design @ weights


@in_blocks
def has_blue_background(images: np.ndarray) -> np.ndarray:
    """Return (N,) whether each image's background is bluish, a sign of another acquisition.

    The background is the 90th percentile of each channel; it is bluish where blue reaches red less 15 grey levels.
    """
    bright = np.percentile(images, 90, axis=(1, 2), method="nearest").astype(int)
    return np.asarray(bright[:, 2] >= bright[:, 0] - 15)
