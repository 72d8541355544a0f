"""Cells as a worse microscope, camera or stain would show them: corruptions in five severities, colour shifts.

The eleven corruptions are those of BloodMNIST-C (Di Salvo et al. 2024, MedMNIST-C, arXiv:2406.17536), rewritten for
48 pixels: factors and qualities are theirs, lengths suit our images, deposits and bubbles are drawn here.

A change takes one (48, 48, 3) uint8 image, an amount and, where chance has a part, a generator. It returns an image of
any type in [0, 255] and beyond, which `corrupt` and `shift_colours` round and clip.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import color

from helpers.data import LUMINANCE, SIDE, as_uint8

SEVERITIES = (1, 2, 3, 4, 5)


def corrupt(images: np.ndarray, name: str, severity: int) -> np.ndarray:
    """Return a copy of (N, 48, 48, 3) uint8 images under one of `CORRUPTIONS`, the same at every call."""
    generator = np.random.default_rng([0, list(CORRUPTIONS).index(name), severity])
    change, amounts = CORRUPTIONS[name]
    amount = amounts[SEVERITIES.index(severity)]
    return np.stack([as_uint8(change(image, amount, generator)) for image in images])


def shift_colours(images: np.ndarray, name: str, amount: float) -> np.ndarray:
    """Return a copy of (N, 48, 48, 3) uint8 images under one of `SHIFTS`; its neutral amount changes nothing."""
    return np.stack([as_uint8(SHIFTS[name][0](image, amount)) for image in images])


def pixelate(image: np.ndarray, side: int, *_: object) -> np.ndarray:
    """Return the image averaged to ``side`` pixels a side and enlarged again without smoothing."""
    small = Image.fromarray(image).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.NEAREST))


def compress(image: np.ndarray, quality: int, *_: object) -> np.ndarray:
    """Return the image as JPEG keeps it at a ``quality``."""
    Image.fromarray(image).save(stream := io.BytesIO(), "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def _convolve(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    weights = (kernel / kernel.sum())[..., None]
    return np.asarray(ndimage.convolve(image.astype(np.float32), weights, mode="nearest"))


def blur_by_defocus(image: np.ndarray, radius: float, *_: object) -> np.ndarray:
    """Return the image blurred by a disc, its ``radius`` in pixels."""
    distance = np.hypot(*np.mgrid[-3:4, -3:4])
    return _convolve(image, np.clip(radius + 0.5 - distance, 0, 1))  # pixels at the edge count in part


def blur_by_motion(image: np.ndarray, length: float, generator: np.random.Generator) -> np.ndarray:
    """Return the image smeared over a ``length`` in pixels, in a random direction."""
    rows, columns = np.mgrid[-4:5, -4:5]
    turned = (columns + 1j * rows) * np.exp(1j * generator.uniform(0, np.pi))
    beyond_the_end = np.maximum(np.abs(turned.real) - (length - 1) / 2, 0)  # a pixel is one pixel long itself
    return _convolve(image, np.clip(1 - np.hypot(beyond_the_end, turned.imag), 0, None))


def scale_brightness(image: np.ndarray, factor: float, *_: object) -> np.ndarray:
    """Return the image with every value multiplied by ``factor`` (1: unchanged)."""
    return image * np.float32(factor)


def scale_contrast(image: np.ndarray, factor: float, *_: object) -> np.ndarray:
    """Return the image with every value's distance from the mean grey multiplied by ``factor``."""
    grey = (image @ LUMINANCE).mean()
    return np.asarray(grey + factor * (image - grey))


def saturate(image: np.ndarray, added: float, *_: object) -> np.ndarray:
    """Return the image with so much ``added`` to the saturation in [0, 1] (HSV) of all pixels that are not grey."""
    values = color.rgb2hsv(image)
    saturation = values[..., 1]
    saturation[saturation > 0] += added
    return np.asarray(255 * color.hsv2rgb(values.clip(max=1)))


def turn_hue(image: np.ndarray, degrees: float) -> np.ndarray:
    """Return the image with the hue of every pixel turned by ``degrees`` (HSV; 0: unchanged)."""
    values = color.rgb2hsv(image)
    values[..., 0] = (values[..., 0] + degrees / 360) % 1
    return np.asarray(255 * color.hsv2rgb(values))


def scale_stain(image: np.ndarray, factor: float, stain: int) -> np.ndarray:
    """Return the image with one stain's optical density multiplied by ``factor`` (1: unchanged).

    Stains (0 blue, 1 red) are separated as in Ruifrok & Johnston 2001, for haematoxylin and eosin; those of blood
    films, azure and eosin, have much the same colours. What no stain explains stays as it is.
    """
    density = color.rgb2hed(image)[..., stain, None] * color.rgb_from_hed[stain]
    return np.asarray(image * np.exp(np.log(1e-6) * (factor - 1) * density))


def _from_random_point(generator: np.random.Generator) -> np.ndarray:
    """Return (48, 48) complex: columns and, as imaginary part, rows of all pixels from a random point."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - generator.uniform(0, SIDE, (2, 1, 1))
    return np.asarray(columns + 1j * rows)


def add_stain_deposit(image: np.ndarray, deposits: tuple[int, float], generator: np.random.Generator) -> np.ndarray:
    """Return the image under ragged, nearly black ``deposits`` of stain, so many of such a radius in pixels."""
    count, radius = deposits
    light = np.ones((SIDE, SIDE, 1))
    for _ in range(count):
        place, (first, second) = _from_random_point(generator), generator.uniform(0, 2 * np.pi, 2)
        waves = 0.3 * np.cos(2 * np.angle(place) + first) + 0.2 * np.cos(5 * np.angle(place) + second)
        light[..., 0] *= 1 - 0.9 * np.clip(radius * (1 + waves) + 0.5 - np.abs(place), 0, 1)
    return image * light


def add_bubbles(image: np.ndarray, bubbles: tuple[int, float], generator: np.random.Generator) -> np.ndarray:
    """Return the image under whitish ``bubbles`` with a brighter rim, so many of such a largest radius in pixels."""
    count, largest = bubbles
    seen_through = np.ones((SIDE, SIDE, 1))
    for _ in range(count):
        depth = generator.uniform(0.7, largest) - np.abs(_from_random_point(generator))
        veil, rim = 0.4 * np.clip(depth + 0.5, 0, 1), 0.2 * np.clip(1 - np.abs(depth), 0, 1)
        seen_through[..., 0] *= 1 - veil - rim
    return 255 - (255 - image) * seen_through


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
"""Name -> change, and its amounts at the five severities, as BloodMNIST-C."""

SHIFTS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = {
    "blue stain": (partial(scale_stain, stain=0), (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)),
    "red stain": (partial(scale_stain, stain=1), (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)),
    "hue": (turn_hue, (-30, -20, -10, 0, 10, 20, 30)),
    "brightness": (scale_brightness, (0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)),
}
"""Name -> change, and the amounts tried (degrees for the hue, else factors)."""

NEUTRAL_AMOUNTS = {name: amounts[len(amounts) // 2] for name, (_, amounts) in SHIFTS.items()}
"""By shift, the amount in the middle, which changes nothing."""


@dataclass(frozen=True)
class Laboratory:
    """A simulated laboratory: factors of two stains, of the light by channel and of the size, and a blur in pixels."""

    blue_stain: float
    red_stain: float
    light: tuple[float, float, float]
    magnification: float
    blur: float

    def show(self, images: np.ndarray) -> np.ndarray:
        """Return (N, 48, 48, 3) uint8 images as this laboratory would show the same cells."""
        return np.stack([self._show(image) for image in images])

    def _show(self, image: np.ndarray) -> np.ndarray:
        blue = as_uint8(scale_stain(image, self.blue_stain, 0))
        lit = as_uint8(scale_stain(blue, self.red_stain, 1) * self.light)
        padded = Image.fromarray(np.pad(lit, ((12, 12), (12, 12), (0, 0)), mode="reflect"))
        left, right = 36 - 24 / self.magnification, 36 + 24 / self.magnification
        seen = padded.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, left, right, right))
        return as_uint8(blur_by_defocus(np.asarray(seen), self.blur))


LABORATORIES = (
    Laboratory(0.6, 1.0, (1.0, 0.95, 0.75), 0.85, 0.0),
    Laboratory(1.5, 0.7, (0.9, 0.95, 1.05), 1.2, 0.7),
    Laboratory(0.8, 1.6, (1.0, 1.0, 1.05), 1.0, 0.9),
    Laboratory(1.0, 0.4, (0.8, 0.8, 0.8), 1.3, 0.0),
    Laboratory(1.3, 1.3, (0.95, 0.9, 1.0), 0.8, 0.6),
    Laboratory(0.5, 0.6, (0.75, 0.85, 0.85), 1.1, 1.2),
)
"""Six laboratories apart from each other and from ours; none of them copies what training images go through."""
