"""The colour statistics of the original report's exploration: six numbers per image."""

import numpy as np
import pandas as pd

from helpers.data import LUMINANCE, SIDE

GREY_THRESHOLD = 128
"""Grey value that parts "black" (below) from "white" (at or above) pixels, in [0, 255]."""

COLOURS = ("red", "green", "blue", "grey", "black", "white")
"""The six statistics, in the order of their columns."""

BLUE_MARGIN = 15
"""Grey levels by which blue may stay below red in a background that still counts as bluish."""

CHUNK = 256


def colour_statistics(images: np.ndarray, threshold: int = GREY_THRESHOLD) -> pd.DataFrame:
    """Return mean red, green, blue and grey, and the mean grey of black and of white pixels, per image.

    Parameters
    ----------
    images : (N, 48, 48, 3) uint8, RGB
    threshold : grey value in [0, 255]; an image with no pixel on one side has a missing value there

    Returns
    -------
    DataFrame of N rows, float64 in [0, 255]: red, green, blue, grey, black, white
    """
    rows = []
    for start in range(0, max(1, len(images)), CHUNK):
        chunk = images[start : start + CHUNK]
        grey = (chunk.astype(np.float32) @ LUMINANCE).reshape(len(chunk), -1)
        dark = grey < threshold
        colour = chunk.mean(axis=(1, 2), dtype=np.float64)
        sides = (np.ma.masked_array(grey, is_left_out) for is_left_out in (False, ~dark, dark))
        greys = [side.mean(axis=1, dtype=np.float64).filled(np.nan) for side in sides]
        rows.append(np.column_stack([colour, *greys]))
    return pd.DataFrame(np.concatenate(rows), columns=list(COLOURS))


def blue_residual(statistics: pd.DataFrame) -> pd.Series:
    """Return what a linear fit of mean blue on mean red and green leaves over, in grey levels, per image."""
    design = np.column_stack([np.ones(len(statistics)), statistics["red"], statistics["green"]])
    weights = np.linalg.lstsq(design, statistics["blue"].to_numpy(), rcond=None)[0]
    return statistics["blue"] - design @ weights


def has_blue_background(images: np.ndarray) -> np.ndarray:
    """Return (N,) whether each image's background is bluish, which tells apart acquisitions of the same stain.

    The background is the 90th percentile of each channel; it is bluish where blue reaches red less a margin.
    """
    answers = []
    for chunk in np.array_split(images, max(1, len(images) // CHUNK)):
        bright = np.percentile(chunk.reshape(len(chunk), SIDE * SIDE, 3), 90, axis=1, method="nearest")
        answers.append(bright[:, 2].astype(int) >= bright[:, 0].astype(int) - BLUE_MARGIN)
    return np.concatenate(answers)
