"""Cells as a worse microscope, camera or stain would show them: corruptions in five severities, colour shifts.

The eleven corruptions are those of BloodMNIST-C (Di Salvo et al. 2024, MedMNIST-C, arXiv:2406.17536), written anew
for 48 pixels: factors and qualities are theirs, lengths suit our images, deposits and bubbles are drawn here.

Every function takes (N, 48, 48, 3) uint8 images and returns others of that kind.
"""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from PIL import Image
from skimage import color

from helpers.data import LUMINANCE, SIDE

SEVERITIES = (1, 2, 3, 4, 5)


def corrupt(images: np.ndarray, name: str, severity: int) -> np.ndarray:
    """Return a copy of (N, 48, 48, 3) uint8 images under one of `CORRUPTIONS`, the same at every call."""
    if name not in CORRUPTIONS or severity not in SEVERITIES:
        raise ValueError(f"{name!r} at {severity}: expected one of {', '.join(CORRUPTIONS)} at 1 to 5")
    generator = np.random.default_rng([0, list(CORRUPTIONS).index(name), severity])
    return _in_chunks(lambda chunk: CORRUPTIONS[name](chunk, severity, generator), images)


def corruption_strengths(images: np.ndarray) -> pd.Series:
    """Return by how much each corruption at severity 5 changes a value in [0, 255] of ``images``, on average."""
    values = images.astype(float)
    return pd.Series({name: np.abs(corrupt(images, name, 5) - values).mean() for name in CORRUPTIONS})


def shift_colours(images: np.ndarray, name: str, amount: float) -> np.ndarray:
    """Return a copy of (N, 48, 48, 3) uint8 images under one of `SHIFTS`; its neutral amount changes nothing."""
    return _in_chunks(lambda chunk: SHIFTS[name][0](chunk, amount), images)


def _in_chunks(change: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    """Return all images changed, 256 at a time, so that no floating-point copy of all is ever held."""
    return np.concatenate([change(images[i : i + 256]) for i in range(0, max(1, len(images)), 256)])


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def pixelate(images: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    """Return images averaged to 29, 24, 19, 14 or 12 pixels a side and enlarged again without smoothing."""
    side = (29, 24, 19, 14, 12)[severity - 1]
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        small = Image.fromarray(image).resize((side, side), Image.Resampling.BOX)
        changed[index] = small.resize((SIDE, SIDE), Image.Resampling.NEAREST)
    return changed


def compress(images: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    """Return images as JPEG keeps them at quality 50, 30, 15, 10 or 7."""
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        Image.fromarray(image).save(stream := io.BytesIO(), "JPEG", quality=(50, 30, 15, 10, 7)[severity - 1])
        changed[index] = Image.open(stream)
    return changed


def _convolve(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Return images filtered by (N, K, K) kernels, or by (1, K, K) for all; edges continue outwards."""
    kernels = (kernels / kernels.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
    edge = (kernels.shape[1] // 2,) * 2
    padded = np.pad(images, ((0, 0), edge, edge, (0, 0)), mode="edge").astype(np.float32)
    total = np.zeros(images.shape, np.float32)
    for row, column in np.argwhere(kernels.any(axis=0)):
        weights = kernels[:, row, column, None, None, None]
        total += weights * padded[:, row : row + SIDE, column : column + SIDE]
    return _as_uint8(total)


def blur_by_defocus(images: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    """Return images blurred by a disc of 0.6, 0.9, 1.2, 1.6 or 2 pixels in radius."""
    radius = (0.6, 0.9, 1.2, 1.6, 2.0)[severity - 1]
    disc = np.clip(radius + 0.5 - np.hypot(*np.mgrid[-3:4, -3:4]), 0, 1)  # pixels at the edge count in part
    return _convolve(images, disc[None])


def blur_by_motion(images: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Return images smeared over 2, 3, 4, 5.5 or 7 pixels, each in a direction of its own."""
    length = (2.0, 3.0, 4.0, 5.5, 7.0)[severity - 1]
    angles = generator.uniform(0, np.pi, (len(images), 1, 1))
    rows, columns = np.mgrid[-4:5, -4:5]
    along = columns * np.cos(angles) + rows * np.sin(angles)
    across = rows * np.cos(angles) - columns * np.sin(angles)
    beyond_the_end = np.maximum(np.abs(along) - (length - 1) / 2, 0)  # a pixel is one pixel long itself
    return _convolve(images, np.clip(1 - np.hypot(beyond_the_end, across), 0, None))


def scale_brightness(images: np.ndarray, factor: float) -> np.ndarray:
    """Return images with every value multiplied by ``factor`` (1: unchanged)."""
    return _as_uint8(images * np.float32(factor))


def scale_contrast(images: np.ndarray, factor: float) -> np.ndarray:
    """Return images with every value's distance from the image's mean grey multiplied by ``factor``."""
    values = images.astype(np.float32)
    grey = (values @ LUMINANCE).mean(axis=(1, 2))[:, None, None, None]
    return _as_uint8(grey + np.float32(factor) * (values - grey))


def saturate(images: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    """Return images with 0.05, 0.10, 0.15, 0.17 or 0.20 added to their saturation in [0, 1] (HSV)."""
    values = images.astype(np.float32)
    brightest = values.max(axis=-1, keepdims=True)
    saturation = 1 - values.min(axis=-1, keepdims=True) / np.maximum(brightest, 1)
    more = np.minimum(saturation + (0.05, 0.10, 0.15, 0.17, 0.20)[severity - 1], 1)
    # The gain is undefined for a grey pixel, which has no hue to saturate and stays as it is.
    return _as_uint8(brightest - (brightest - values) * more / np.maximum(saturation, 1e-6))


def _from_centres(count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns (N, 48, 48) of all pixels, counted from a random point in each image."""
    centre = generator.uniform(0, SIDE, (2, count, 1, 1)).astype(np.float32)
    steps = np.arange(SIDE, dtype=np.float32)
    return steps[:, None] - centre[0], steps[None, :] - centre[1]


def add_stain_deposit(images: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Return images under 1 to 5 ragged, nearly black deposits of stain, 2 to 3 pixels in radius."""
    radius = (2.0, 2.2, 2.5, 2.7, 3.0)[severity - 1]
    light = np.ones(images.shape[:3], np.float32)
    for _ in range(severity):
        rows, columns = _from_centres(len(images), generator)
        first, second = generator.uniform(0, 2 * np.pi, (2, len(images), 1, 1)).astype(np.float32)
        angle = np.arctan2(rows, columns)
        edge = radius * (1 + 0.3 * np.cos(2 * angle + first) + 0.2 * np.cos(5 * angle + second))
        light *= 1 - 0.9 * np.clip(edge + 0.5 - np.hypot(rows, columns), 0, 1)
    return _as_uint8(images * light[..., None])


def add_bubbles(images: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Return images under ten or twelve whitish bubbles with a brighter rim, radius up to 1.5 to 4.5 pixels."""
    count, largest = ((10, 1.5), (10, 2.2), (10, 3.0), (12, 3.7), (12, 4.5))[severity - 1]
    seen_through = np.ones(images.shape[:3], np.float32)
    for _ in range(count):
        distance = np.hypot(*_from_centres(len(images), generator))
        radius = generator.uniform(0.7, largest, (len(images), 1, 1)).astype(np.float32)
        veil = 0.4 * np.clip(radius + 0.5 - distance, 0, 1)
        rim = 0.2 * np.clip(1 - np.abs(distance - radius), 0, 1)
        seen_through *= 1 - veil - rim
    return _as_uint8(255 - (255 - images.astype(np.float32)) * seen_through[..., None])


CORRUPTIONS: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "pixelate": pixelate,
    "JPEG compression": compress,
    "defocus blur": blur_by_defocus,
    "motion blur": blur_by_motion,
    "brightness up": lambda images, s, _: scale_brightness(images, (1.1, 1.2, 1.3, 1.35, 1.4)[s - 1]),
    "brightness down": lambda images, s, _: scale_brightness(images, (0.9, 0.8, 0.7, 0.6, 0.5)[s - 1]),
    "contrast up": lambda images, s, _: scale_contrast(images, (1.1, 1.15, 1.2, 1.25, 1.3)[s - 1]),
    "contrast down": lambda images, s, _: scale_contrast(images, (0.9, 0.8, 0.7, 0.6, 0.5)[s - 1]),
    "saturate": saturate,
    "stain deposit": add_stain_deposit,
    "bubble": add_bubbles,
}
"""Name -> function of uint8 images, severity and generator, in the order of BloodMNIST-C."""


def scale_stain(images: np.ndarray, factor: float, stain: int) -> np.ndarray:
    """Return images with one stain's optical density multiplied by ``factor`` (1: unchanged).

    Stains (0 blue, 1 red) are separated as in Ruifrok & Johnston 2001, for haematoxylin and eosin; those of blood
    films, azure and eosin, have much the same colours. What no stain explains stays as it is.
    """
    density = color.rgb2hed(images)[..., stain, None] * color.rgb_from_hed[stain]
    return _as_uint8(images * np.exp(np.log(1e-6) * (factor - 1) * density))


def turn_hue(images: np.ndarray, degrees: float) -> np.ndarray:
    """Return images with the hue of every pixel turned by ``degrees`` (HSV; 0: unchanged)."""
    values = color.rgb2hsv(images)
    values[..., 0] = (values[..., 0] + degrees / 360) % 1
    return _as_uint8(255 * color.hsv2rgb(values))


SHIFTS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = {
    "blue stain": (partial(scale_stain, stain=0), (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)),
    "red stain": (partial(scale_stain, stain=1), (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)),
    "hue": (turn_hue, (-30, -20, -10, 0, 10, 20, 30)),
    "brightness": (scale_brightness, (0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)),
}
"""Name -> function of uint8 images and an amount (degrees for the hue, else a factor), and the amounts tried."""

NEUTRAL_AMOUNTS = {name: amounts[len(amounts) // 2] for name, (_, amounts) in SHIFTS.items()}
"""By shift, the amount in the middle, which changes nothing."""
