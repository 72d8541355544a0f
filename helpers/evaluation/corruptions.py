"""Cells as a worse microscope, camera or stain would show them: corruptions in five severities, colour shifts.

The eleven corruptions are those of BloodMNIST-C (Di Salvo et al. 2024, MedMNIST-C, arXiv:2406.17536), rewritten for
48 pixels: factors and qualities are theirs, lengths suit our images, deposits and bubbles are drawn here.

Every function takes (N, 48, 48, 3) uint8 images and returns others of that kind.
"""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import color

from helpers.data import LUMINANCE, SIDE
from helpers.features import in_blocks

SEVERITIES = (1, 2, 3, 4, 5)


def corrupt(images: np.ndarray, name: str, severity: int) -> np.ndarray:
    """Return a copy of (N, 48, 48, 3) uint8 images under one of `CORRUPTIONS`, the same at every call."""
    generator = np.random.default_rng([0, list(CORRUPTIONS).index(name), severity])
    change, amounts = CORRUPTIONS[name]
    amount = amounts[SEVERITIES.index(severity)]
    return in_blocks(lambda block: change(block, amount, generator), images, size=256)


def shift_colours(images: np.ndarray, name: str, amount: float) -> np.ndarray:
    """Return a copy of (N, 48, 48, 3) uint8 images under one of `SHIFTS`; its neutral amount changes nothing."""
    return in_blocks(lambda block: SHIFTS[name][0](block, amount), images, size=256)


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def pixelate(images: np.ndarray, side: int, _: np.random.Generator) -> np.ndarray:
    """Return images averaged to ``side`` pixels a side and enlarged again without smoothing."""
    small = (Image.fromarray(image).resize((side, side), Image.Resampling.BOX) for image in images)
    return np.stack([np.asarray(image.resize((SIDE, SIDE), Image.Resampling.NEAREST)) for image in small])


def compress(images: np.ndarray, quality: int, _: np.random.Generator) -> np.ndarray:
    """Return images as JPEG keeps them at a ``quality``."""
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        Image.fromarray(image).save(stream := io.BytesIO(), "JPEG", quality=quality)
        changed[index] = Image.open(stream)
    return changed


def _convolve(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Return images filtered by (N, K, K) kernels, or by (1, K, K) for all; edges continue outwards."""
    weights = (kernels / kernels.sum(axis=(1, 2), keepdims=True))[..., None]
    pairs = zip(images.astype(np.float32), np.broadcast_to(weights, (len(images), *weights.shape[1:])), strict=True)
    return _as_uint8(np.stack([ndimage.convolve(image, kernel, mode="nearest") for image, kernel in pairs]))


def blur_by_defocus(images: np.ndarray, radius: float, _: np.random.Generator) -> np.ndarray:
    """Return images blurred by a disc, its ``radius`` in pixels."""
    disc = np.clip(radius + 0.5 - np.hypot(*np.mgrid[-3:4, -3:4]), 0, 1)  # pixels at the edge count in part
    return _convolve(images, disc[None])


def blur_by_motion(images: np.ndarray, length: float, generator: np.random.Generator) -> np.ndarray:
    """Return images smeared over a ``length`` in pixels, each in a direction of its own."""
    angles = generator.uniform(0, np.pi, (len(images), 1, 1))
    rows, columns = np.mgrid[-4:5, -4:5]
    along = columns * np.cos(angles) + rows * np.sin(angles)
    across = rows * np.cos(angles) - columns * np.sin(angles)
    beyond_the_end = np.maximum(np.abs(along) - (length - 1) / 2, 0)  # a pixel is one pixel long itself
    return _convolve(images, np.clip(1 - np.hypot(beyond_the_end, across), 0, None))


def scale_brightness(images: np.ndarray, factor: float, *_: object) -> np.ndarray:
    """Return images with every value multiplied by ``factor`` (1: unchanged)."""
    return _as_uint8(images * np.float32(factor))


def scale_contrast(images: np.ndarray, factor: float, *_: object) -> np.ndarray:
    """Return images with every value's distance from the image's mean grey multiplied by ``factor``."""
    values = images.astype(np.float32)
    grey = (values @ LUMINANCE).mean(axis=(1, 2))[:, None, None, None]
    return _as_uint8(grey + np.float32(factor) * (values - grey))


def saturate(images: np.ndarray, added: float, _: np.random.Generator) -> np.ndarray:
    """Return images with so much ``added`` to their saturation in [0, 1] (HSV)."""
    values = images.astype(np.float32)
    brightest = values.max(axis=-1, keepdims=True)
    saturation = 1 - values.min(axis=-1, keepdims=True) / np.maximum(brightest, 1)
    more = np.minimum(saturation + added, 1)
    # The gain is undefined for a grey pixel, which has no hue to saturate and stays as it is.
    return _as_uint8(brightest - (brightest - values) * more / np.maximum(saturation, 1e-6))


def _from_centres(count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns (N, 48, 48) of all pixels, counted from a random point in each image."""
    centre = generator.uniform(0, SIDE, (2, count, 1, 1)).astype(np.float32)
    steps = np.arange(SIDE, dtype=np.float32)
    return steps[:, None] - centre[0], steps[None, :] - centre[1]


def add_stain_deposit(images: np.ndarray, deposits: tuple[int, float], generator: np.random.Generator) -> np.ndarray:
    """Return images under ragged, nearly black ``deposits`` of stain, so many of such a radius in pixels."""
    count, radius = deposits
    light = np.ones(images.shape[:3], np.float32)
    for _ in range(count):
        rows, columns = _from_centres(len(images), generator)
        first, second = generator.uniform(0, 2 * np.pi, (2, len(images), 1, 1)).astype(np.float32)
        angle = np.arctan2(rows, columns)
        edge = radius * (1 + 0.3 * np.cos(2 * angle + first) + 0.2 * np.cos(5 * angle + second))
        light *= 1 - 0.9 * np.clip(edge + 0.5 - np.hypot(rows, columns), 0, 1)
    return _as_uint8(images * light[..., None])


def add_bubbles(images: np.ndarray, bubbles: tuple[int, float], generator: np.random.Generator) -> np.ndarray:
    """Return images under whitish ``bubbles`` with a brighter rim, so many of such a largest radius in pixels."""
    count, largest = bubbles
    seen_through = np.ones(images.shape[:3], np.float32)
    for _ in range(count):
        distance = np.hypot(*_from_centres(len(images), generator))
        radius = generator.uniform(0.7, largest, (len(images), 1, 1)).astype(np.float32)
        veil = 0.4 * np.clip(radius + 0.5 - distance, 0, 1)
        rim = 0.2 * np.clip(1 - np.abs(distance - radius), 0, 1)
        seen_through *= 1 - veil - rim
    return _as_uint8(255 - (255 - images.astype(np.float32)) * seen_through[..., None])


CORRUPTIONS: dict[str, tuple[Callable[..., np.ndarray], tuple]] = {
    "pixelate": (pixelate, (29, 24, 19, 14, 12)),
    "JPEG compression": (compress, (50, 30, 15, 10, 7)),
    "defocus blur": (blur_by_defocus, (0.6, 0.9, 1.2, 1.6, 2.0)),
    "motion blur": (blur_by_motion, (2.0, 3.0, 4.0, 5.5, 7.0)),
    "brightness up": (scale_brightness, (1.1, 1.2, 1.3, 1.35, 1.4)),
    "brightness down": (scale_brightness, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "contrast up": (scale_contrast, (1.1, 1.15, 1.2, 1.25, 1.3)),
    "contrast down": (scale_contrast, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "saturate": (saturate, (0.05, 0.10, 0.15, 0.17, 0.20)),
    "stain deposit": (add_stain_deposit, ((1, 2.0), (2, 2.2), (3, 2.5), (4, 2.7), (5, 3.0))),
    "bubble": (add_bubbles, ((10, 1.5), (10, 2.2), (10, 3.0), (12, 3.7), (12, 4.5))),
}
"""Name -> function of uint8 images, amount and generator, and the amounts of the five severities, as BloodMNIST-C."""


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
