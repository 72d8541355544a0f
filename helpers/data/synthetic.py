"""Generates images of stained blood cells from their morphology, so that the report runs without data or network.

The images consist of soft-edged discs whose properties are named in morphology.csv, and contain no pixel of a
micrograph. The custom LeNet, trained for 10 epochs on 12,000 synthetic images alone (one seed), reached a balanced
accuracy of 82 % on the 15,092 real images, and an accuracy of 96 % on 2,000 other synthetic images.
"""

import cmath
import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES, SIDE

CLASS_COUNTS = (1076, 2752, 1370, 2556, 1072, 1254, 2939, 2073)
"""Images per class, in the order of CLASS_NAMES, among the original report's 15,092 (doi:10.1016/j.dib.2020.105474)."""

MORPHOLOGY = pd.read_csv(Path(__file__).with_name("morphology.csv"), index_col=0, skipinitialspace=True)[[*CLASS_NAMES]]
"""A row per quantity, a column per class: set by eye, then adjusted to the class averages of real colours and sizes."""

MEANS = MORPHOLOGY.to_numpy(float).T
SPREADS = MORPHOLOGY.reindex(MORPHOLOGY.index + "_spread").fillna(0).to_numpy(float).T
"""(8, quantities) of means and of standard deviations over cells, 0 where the table names none."""

COLOURS = MORPHOLOGY.loc["cytoplasm_red":"nucleus_blue"].to_numpy(float).T.reshape(-1, 3, 3)
"""(8, 3, 3): of each class the cytoplasm, granules and nucleus, each as red, green and blue."""

PLASMA, RED_CELL = np.array([(254, 228, 202), (203, 164, 166)])
"""RGB of the background and of red cells."""

RED_CELLS = 20  # at most, around a cell
DISCS = 5  # of which a nucleus consists
SOFTNESS = 1.3  # pixels over which outlines fade
AXIS = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
PLACES = AXIS + 1j * AXIS[:, None]  # of the pixels, from the centre of the image
BUMPS = gaussian_filter1d(np.eye(SIDE, dtype=np.float32)[:, 4::8], 5, axis=0, mode="nearest")
BUMPS /= np.linalg.norm(BUMPS, axis=1, keepdims=True)  # (48, 6): bell curves of which smooth noise consists


def draw_cells(count: int, seed: int = 0) -> Cells:
    """Return ``count`` synthetic images with labels, with class frequencies as in CLASS_COUNTS.

    The same count and seed give the same bytes.
    """
    rng = np.random.default_rng(seed)
    quota = count * np.array(CLASS_COUNTS) / sum(CLASS_COUNTS)
    counts = np.floor(quota).astype(int)
    largest_remainders = np.argsort(counts - quota, kind="stable")[: count - counts.sum()]
    counts[largest_remainders] += 1
    labels = rng.permutation(np.repeat(np.arange(len(CLASS_NAMES), dtype=np.uint8), counts))
    drawn = (_draw_image(label, rng) for label in labels)
    images = np.fromiter(drawn, np.dtype((np.uint8, (SIDE, SIDE, 3))), count)
    return Cells(images, labels, source=f"synthetic images (seed {seed})", is_synthetic=True)


def _draw_image(label: int, rng: np.random.Generator) -> np.ndarray:
    """Return (48, 48, 3) uint8. Below, a field is (48, 48) and a canvas (3, 48, 48), both float32."""
    drawn = np.maximum(rng.normal(MEANS[label], SPREADS[label]), 0.35 * MEANS[label])
    cell = dict(zip(MORPHOLOGY.index.tolist(), drawn.tolist(), strict=True))
    size = drawn[0] / MEANS[label, 0]  # by the radius, which the table names first
    cell["nucleus_area"] *= size**1.2  # a big cell has a big nucleus

    # places are shifted, ruffled, turned and stretched, so that the cell is a disc around 0
    shift = rng.exponential(1.4) * complex(*rng.normal(0, 0.7, 2))
    ruffled = PLACES - shift + cell["ruffle"] * (_smooth_noise(rng) + 1j * _smooth_noise(rng))
    turned = ruffled * cmath.rect(1, rng.uniform(0, math.tau))
    stretch = math.exp(rng.normal(0, cell["elongation"]))
    places = turned.real * stretch + 1j / stretch * turned.imag

    grain = rng.standard_normal((SIDE, SIDE), np.float32)
    depth = np.abs(places) - cell["radius"] + 0.2 * grain
    membrane = np.clip(14 - 14 * np.abs(depth + 1), 0, 14)
    canvas = _draw_surroundings(cell["radius"], rng)
    _paint(canvas, _inside(depth), _draw_tissue(label, cell, places, grain, rng) - membrane)

    # focus, light, colour balance and the sensor's noise; some slides were photographed in bluer light
    blur = rng.uniform(0.4, 0.5)
    balance = np.exp(rng.normal(0, 0.008) + rng.normal(0, 0.003, 3))
    balance *= (0.86, 0.95, 1.14) if rng.random() < 0.03 else 1
    light = gaussian_filter(canvas, (0, blur, blur)) * balance[:, None, None]
    light += 0.8 * rng.standard_normal((SIDE, SIDE), np.float32)
    return np.asarray(np.clip(light + 0.5, 0, 255).transpose(1, 2, 0), np.uint8)


def _draw_surroundings(radius: float, rng: np.random.Generator) -> np.ndarray:
    """Return a canvas of plasma with red cells, which are thin in the middle and hardly reach under the cell."""
    canvas = np.full((3, SIDE, SIDE), (PLASMA + rng.normal(0, 1, 3))[:, None, None], np.float32)
    size, colour = rng.normal(8, 0.6), RED_CELL + rng.normal(0, 5)
    centres = rng.uniform(-31, 31, (rng.binomial(RED_CELLS, rng.beta(2.8, 1.2)), 2)) @ (1, 1j)
    for centre in centres[np.abs(centres) > radius + 0.75 * size].tolist():
        distance = np.abs(PLACES - centre) / size  # 1 on the outline
        thickness = rng.normal(1, 0.1) - 0.85 * rng.beta(2, 1) * np.clip(1.3 - 2.3 * distance**2, 0, 1)
        _paint(canvas, np.clip((1 - distance) * size + 0.5, 0, 1) * thickness, colour)
    return canvas


def _draw_tissue(
    label: int, cell: dict[str, float], places: np.ndarray, grain: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a canvas of cytoplasm, nucleus and granules, as if the cell were infinite."""
    shade = cell["cytoplasm_spread"] * (rng.standard_normal() + 0.3 * rng.standard_normal(3))
    cytoplasm, granule, nucleus = COLOURS[label] + (shade, shade, rng.normal(0, (7, 4, 5)))
    tissue = np.asarray(cytoplasm[:, None, None] + cell["mottle"] * _smooth_noise(rng), np.float32)
    # Standard normal grain is below this threshold in about the wanted share of the pixels.
    threshold = 2.6 * (min(max(cell["granules"], 0.02), 0.98) - 0.5)
    granules = np.clip(1.2 * (threshold - grain) + 0.5, 0, 1)
    if cell["nucleus_area"]:
        depth = _nucleus_distance(cell, places, rng)
        chromatin = grain - 1.3 * np.clip(1 - np.abs(depth + 0.8), 0, 1)  # densest under the nuclear membrane
        tint = cell["chromatin"] * np.array([1, 1, 0.35])  # chromatin varies less in blue
        _paint(tissue, _inside(depth), nucleus[:, None, None] + tint[:, None, None] * chromatin)
        granules *= 1 - _inside(depth) * (1 - cell["granules_on_nucleus"])
    _paint(tissue, granules, granule)
    return tissue


def _nucleus_distance(cell: dict[str, float], places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the field of signed distance to the nucleus, negative inside: discs along an arc, in groups (lobes)."""
    area, arc, lobes = cell["nucleus_area"], cell["arc"], min(max(round(cell["lobes"]), 1), DISCS)
    # A nucleus longer than this would be too thin to hold together.
    bend = min(cell["bend"], 0.85 * math.sqrt(area) / max(arc, 0.1))
    even = np.linspace(-1, 1, DISCS)
    lobe_centres = (2 * np.floor(np.arange(DISCS) * lobes / DISCS) + 1) / lobes - 1
    angles = bend * (even if lobes == 1 else (lobe_centres + even) / 2 + rng.normal(0, 0.05, DISCS))
    centres = arc * rng.normal(1, 0.15, DISCS) * np.exp(1j * angles)
    centres += cmath.rect(cell["eccentricity"], rng.uniform(0, math.tau)) - 0.6 * centres.real.mean()
    # Half the thickness t of a band with round ends: area = 2 t length + pi t².
    length = 2 * arc * bend
    thickness = (math.sqrt(length**2 + math.pi * area) - length) / math.pi
    sizes = thickness * np.exp(rng.normal(0, 0.08, DISCS))
    discs = zip(centres.tolist(), sizes.tolist(), strict=True)
    return np.asarray(np.min([np.abs(places - centre) - size for centre, size in discs], axis=0))


def _paint(canvas: np.ndarray, share: np.ndarray, colour: np.ndarray) -> None:
    """Change a canvas to a colour, (3,) or another canvas, by a ``share`` of 0 to 1 at each pixel."""
    canvas += share * (colour.astype(np.float32).reshape(3, *colour.shape[1:] or (1, 1)) - canvas)


def _inside(depth: np.ndarray) -> np.ndarray:
    """Return the share of each pixel that lies inside an outline, at a signed distance from it in pixels."""
    return np.clip(0.5 - depth / SOFTNESS, 0, 1)


def _smooth_noise(rng: np.random.Generator) -> np.ndarray:
    """Return a field of zero mean and unit variance that varies over 8 pixels."""
    return np.asarray(BUMPS @ rng.standard_normal((6, 6), np.float32) @ BUMPS.T)
