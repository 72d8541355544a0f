"""Generates images of stained blood cells from their morphology, so that the report runs without data or network.

The images consist of soft-edged discs whose properties are named in morphology.csv, and contain no pixel of a
micrograph. The custom LeNet, trained for 10 epochs on 12,000 synthetic images alone, reached a balanced accuracy of 81
and 83 % (two seeds) on the 15,092 real images, and an accuracy of 95 % on 2,000 other synthetic images.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES, SIDE

CLASS_COUNTS = (1076, 2752, 1370, 2556, 1072, 1254, 2939, 2073)
"""Images per class, in the order of CLASS_NAMES, among the original report's 15,092 (doi:10.1016/j.dib.2020.105474)."""

MORPHOLOGY = pd.read_csv(
    Path(__file__).with_name("morphology.csv"), index_col="quantity", skipinitialspace=True
)[[*CLASS_NAMES]]
"""A row per quantity, a column per class: set by eye, then adjusted to the class averages of real colours and sizes."""

PLASMA, RED_CELL, STRAY = np.array([(254, 228, 202), (203, 164, 166), (112, 62, 146)])
"""RGB of the background, of red cells, and of stray platelets and white cells at the edge of the image."""

RED_CELLS, VACUOLES = 14, 8  # at most, around a cell and in it
DISCS = 5  # of which a nucleus consists
SOFTNESS = 1.3  # pixels over which outlines fade
BATCH = 64  # cells generated at once: 0.6 MB per field, so that the fields stay in the processor's cache
AXIS = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2

Parameters = dict[str, np.ndarray]


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
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for start in range(0, count, BATCH):
        images[start : start + BATCH] = _draw_batch(labels[start : start + BATCH], rng)
    return Cells(images, labels, source=f"synthetic images (seed {seed})", is_synthetic=True)


def _draw_batch(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (n, 48, 48, 3) uint8 images. The functions below use fields: (n, 48, 48) float32, one value per pixel."""
    cell = _draw_parameters(labels, rng)
    picture = _draw_surroundings(cell["radius"], rng)
    u, v = _cell_coordinates(cell, rng)
    grain = rng.standard_normal(u.shape, np.float32)
    depth = np.sqrt(u * u + v * v) - _per_cell(cell["radius"]) + grain * _per_cell(cell["fringe"])
    body = np.clip(0.5 - depth / SOFTNESS, 0, 1)
    membrane = np.clip(14 - 14 * np.abs(depth + 1), 0, 14)
    picture += body * (_draw_tissue(cell, u, v, grain, rng) - membrane - picture)
    return _photograph(picture, rng)


def _draw_parameters(labels: np.ndarray, rng: np.random.Generator) -> Parameters:
    """Return each quantity of MORPHOLOGY for each cell, (n,), and three colours, (n, 3)."""
    n = len(labels)
    cell = {name: row.to_numpy(np.float32)[labels] for name, row in MORPHOLOGY.iterrows()}
    for name in ("cytoplasm", "granule", "nucleus"):
        cell[name] = np.stack([cell[f"{name}_{colour}"] for colour in ("red", "green", "blue")], axis=1)
    usual_radius = cell["radius"]
    for name in [name for name in cell if f"{name}_spread" in cell and cell[name].ndim == 1]:
        drawn = cell[name] + cell[f"{name}_spread"] * rng.standard_normal(n)
        cell[name] = np.maximum(drawn, 0.35 * cell[name])
    cell["nucleus_area"] *= (cell["radius"] / usual_radius) ** 1.2  # a big cell has a big nucleus
    shade = rng.standard_normal((n, 1)) + 0.3 * rng.standard_normal((n, 3))
    cell["cytoplasm"] += cell["cytoplasm_spread"][:, None] * shade
    cell["granule"] += cell["cytoplasm_spread"][:, None] * shade
    cell["nucleus"] += rng.normal(0, (7, 4, 5), (n, 3))
    return cell


def _draw_surroundings(radius: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (3, n, 48, 48) float32: plasma with red cells, which are thin in the middle, and a stray cell."""
    n = len(radius)
    coverage = np.zeros((n, SIDE, SIDE), np.float32)
    crowding, typical_size = rng.beta(2.8, 1.2, n), rng.normal(8.0, 0.6, n)
    for _ in range(RED_CELLS):
        size = typical_size * rng.normal(1, 0.06, n)
        x, y = rng.uniform(-31, 31, (2, n))
        # A red cell under the stained cell is pushed aside until they touch, or left out if that is too far.
        push = np.maximum((radius + size * rng.uniform(0.75, 1.1, n)) / np.hypot(x, y), 1)
        present = (rng.random(n) < crowding) & (push < 1.8)
        x, y = AXIS - (push * x)[:, None], AXIS - (push * y)[:, None]
        wide, high = np.exp(rng.normal(0, 0.1, (2, n, 1))) / size[:, None]
        tilt = rng.normal(0, 0.15, (n, 1)) / size[:, None] ** 2
        squared = _sum_of_axes((wide * x) ** 2, (high * y) ** 2)  # 1 on the outline
        squared += (tilt * x).astype(np.float32)[:, None, :] * y.astype(np.float32)[:, :, None]
        inside = _per_cell(np.where(present, size / 2 + 0.5, -99)) - squared * _per_cell(size / 2)
        pallor = 0.85 * rng.beta(2, 1, n)
        squared *= _per_cell(pallor * rng.uniform(1.8, 2.8, n))
        dip = np.clip(_per_cell(1.3 * pallor) - squared, 0, _per_cell(pallor))
        coverage += np.clip(inside, 0, 1) * (_per_cell(rng.normal(1, 0.1, n)) - dip - coverage)
    # Sometimes a lone platelet, rarely the edge of another white cell.
    size = np.where(rng.random(n) < 0.06, rng.uniform(10, 14, n), rng.uniform(1, 2.6, n))
    away = radius + size + rng.exponential(6, n) + np.where(rng.random(n) < 0.22, 0, 99)
    x, y = _scatter(away, rng)
    squared = _sum_of_axes((AXIS - x[:, None]) ** 2, (AXIS - y[:, None]) ** 2)
    stray = np.clip(_per_cell(size + 0.5) - np.sqrt(squared), 0, 1) * _per_cell(rng.uniform(0.5, 1, n))
    red_tone = rng.normal(0, 5, n)
    plasma = PLASMA[:, None] + rng.normal(0, 1, (3, n))
    picture = _per_cell(plasma) + coverage * _per_cell(RED_CELL[:, None] + red_tone - plasma)
    return np.asarray(picture + stray * (_per_cell(STRAY)[:, None] - picture))


def _cell_coordinates(cell: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return fields of coordinates, shifted, ruffled, turned and stretched so that the cell is a disc around 0, 0."""
    n = len(cell["radius"])
    shift_x, shift_y = rng.normal(0, 0.7, (2, n)) * rng.exponential(1.4, n)
    x = AXIS[None, :] - _per_cell(shift_x) + _smooth_noise(n, 6, rng) * _per_cell(cell["ruffle"])
    y = AXIS[:, None] - _per_cell(shift_y) + _smooth_noise(n, 6, rng) * _per_cell(cell["ruffle"])
    turn = rng.uniform(0, 2 * np.pi, n)
    cosine, sine = _per_cell(np.cos(turn)), _per_cell(np.sin(turn))
    stretch = _per_cell(np.exp(cell["elongation"] * rng.standard_normal(n)))
    return (cosine * x + sine * y) * stretch, (cosine * y - sine * x) / stretch


def _draw_tissue(
    cell: Parameters, u: np.ndarray, v: np.ndarray, grain: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return (3, n, 48, 48) float32: cytoplasm, nucleus, granules and vacuoles, as if the cell were infinite."""
    coarse = _smooth_noise(len(u), 12, rng)
    depth = _nucleus_distance(cell, u, v, rng)
    nucleus = np.clip(0.5 - depth / SOFTNESS, 0, 1)
    # Standard normal grain is below this threshold in about the wanted share of the pixels.
    threshold = 2.6 * (np.clip(cell["granules"], 0.02, 0.98) - 0.5)
    granules = np.clip(1.2 * (_per_cell(threshold) - grain) + 0.5, 0, 1)
    granules *= 1 - nucleus * _per_cell(1 - cell["granules_on_nucleus"])
    vacuoles = _draw_vacuoles(cell, u, v, rng) * (0.8 - 0.4 * nucleus)
    mottle = _per_cell(cell["mottle"]) * coarse
    envelope = np.clip(1 - np.abs(depth + 0.8), 0, 1)  # chromatin is densest under the nuclear membrane
    chromatin = _per_cell(cell["chromatin"]) * (grain * (1 + 0.15 * grain) + 0.2 * coarse - 1.3 * envelope)
    tint = _per_cell(np.array([1, 1, 0.35]))[:, None]  # chromatin varies less in blue
    tissue = _per_cell(cell["cytoplasm"].T) + mottle
    tissue += nucleus * (_per_cell(cell["nucleus"].T) + tint * chromatin - tissue)
    tissue += granules * (_per_cell(cell["granule"].T) - tissue)
    return np.asarray(tissue + vacuoles * (_per_cell(PLASMA - 12)[:, None] - tissue))


def _nucleus_distance(cell: Parameters, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the field of signed distance to the nucleus, negative inside: discs along an arc, smoothly joined."""
    n = len(u)
    area, arc = cell["nucleus_area"], cell["arc"]
    lobes = np.clip(np.rint(cell["lobes"]), 1, DISCS)[:, None]
    # A nucleus longer than this would be too thin to hold together.
    bend = np.minimum(cell["bend"], 0.85 * np.sqrt(area) / np.maximum(arc, 0.1))
    even = np.linspace(-1, 1, DISCS)[None]
    lobe_centre = (2 * np.floor(np.arange(DISCS) * lobes / DISCS) + 1) / lobes - 1
    angle = np.where(lobes == 1, even, (lobe_centre + even) / 2 + rng.normal(0, 0.05, (n, DISCS)))
    angle = angle * bend[:, None]
    reach = arc[:, None] * (1 + 0.15 * rng.standard_normal((n, DISCS)))
    x, y = _scatter(cell["eccentricity"], rng)
    along, across = reach * np.cos(angle), reach * np.sin(angle) + y[:, None]
    along += x[:, None] - 0.6 * along.mean(1, keepdims=True)
    # Half the thickness t of a band with round ends: area = 2 t length + pi t².
    length = 2 * arc * bend
    thickness = (np.sqrt(length**2 + np.pi * area) - length) / np.pi
    size = thickness[:, None] * np.exp(rng.normal(0, 0.08, (n, DISCS)))
    blend = _per_cell(np.where(lobes[:, 0] > 1, 2.0, 3.0))
    distance = np.full(u.shape, 99, np.float32)
    for disc in range(DISCS):
        du, dv = u - _per_cell(along[:, disc]), v - _per_cell(across[:, disc])
        other = np.sqrt(du * du + dv * dv) - _per_cell(size[:, disc])
        overlap = np.maximum(1 - np.abs(distance - other) / blend, 0)
        distance = np.minimum(distance, other) - overlap * overlap * (blend / 8)
    return np.asarray(distance + _per_cell(np.where(area > 0, 0, 99)))


def _draw_vacuoles(cell: Parameters, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the field of vacuoles, 0 to 1."""
    field = np.zeros(u.shape, np.float32)
    number = rng.poisson(cell["vacuoles"] * rng.exponential(1, len(u)))
    for index in range(VACUOLES):
        some = np.flatnonzero(number > index)
        x, y = _scatter(rng.uniform(0.3, 0.95, len(some)) * cell["radius"][some], rng)
        du, dv = u[some] - _per_cell(x), v[some] - _per_cell(y)
        size = _per_cell(rng.uniform(1.1, 2.7, len(some)))
        field[some] = np.maximum(field[some], np.clip(size - np.sqrt(du * du + dv * dv), 0, 1))
    return field


def _photograph(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (n, 48, 48, 3) uint8 images, with the effects of focus, light, colour balance and sensor noise."""
    n = picture.shape[1]
    blur = _per_cell(rng.uniform(0.35, 0.65, n))
    gain = np.exp(rng.normal(0, 0.008, (n, 1)) + rng.normal(0, 0.003, (n, 3)))
    gain[rng.random(n) < 0.03] *= (0.86, 0.95, 1.14)  # some slides were photographed in bluer light
    noise = 0.8 * rng.standard_normal((n, SIDE, SIDE), np.float32)
    soft = picture.copy()
    soft[..., 1:-1, :] = (picture[..., :-2, :] + 2 * picture[..., 1:-1, :] + picture[..., 2:, :]) / 4
    soft[..., 1:-1] = (soft[..., :-2] + 2 * soft[..., 1:-1] + soft[..., 2:]) / 4
    light = (picture + blur * (soft - picture)) * _per_cell(gain.T) + noise
    return np.moveaxis(np.clip(light + 0.5, 0, 255).astype(np.uint8), 0, -1)


def _smooth_noise(n: int, grains: int, rng: np.random.Generator) -> np.ndarray:
    """Return a field of zero mean and unit variance that varies over 48 / grains pixels."""
    offset = (np.arange(SIDE)[:, None] + 0.5) * grains / SIDE - np.arange(grains) - 0.5
    weight = np.exp(-(offset**2) / 0.8)
    weight = (weight / np.sqrt((weight**2).sum(1, keepdims=True))).astype(np.float32)
    return np.asarray(weight @ rng.standard_normal((n, grains, grains), np.float32) @ weight.T)


def _scatter(distance: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates x and y of points at these distances from the centre, in random directions."""
    angle = rng.uniform(0, 2 * np.pi, len(distance))
    return distance * np.cos(angle), distance * np.sin(angle)


def _sum_of_axes(columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the field that is the sum of a part varying along x and a part varying along y, (n, 48) each."""
    return columns.astype(np.float32)[:, None, :] + rows.astype(np.float32)[:, :, None]


def _per_cell(value: ArrayLike) -> np.ndarray:
    """Return one number per cell, (n,), or per channel and cell, (3, n), in a shape that broadcasts to fields."""
    return np.asarray(value, np.float32)[..., None, None]
