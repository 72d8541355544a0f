"""Other views of the same cell: as it might lie on the slide, and as another laboratory might show it."""

import numpy as np
from PIL import Image
from scipy.ndimage import convolve1d

from helpers.data import LUMINANCE

FORMS = 8
"""Quarter turns and their mirror images: a cell on a slide has no up and no left."""

MARGIN = 12
"""Pixels by which an image is continued on every side before it may be seen from further away."""


def flip_and_turn(images: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """Return square images (N, S, S, C), each turned by ``forms`` quarter turns and mirrored from 4 on."""
    turned = np.empty_like(images)
    for form in range(FORMS):
        chosen = forms == form
        view = np.rot90(images[chosen], form % 4, axes=(1, 2))
        turned[chosen] = view[:, :, ::-1] if form >= 4 else view
    return turned


def jitter_acquisition(images: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 images (N, S, S, 3), half of them changed as by another stain, light, lens or magnification.

    That half is chosen at random. Its optical density and light are multiplied by factors common to the channels and
    by smaller ones of each channel. Saturation and magnification have factors of their own. The logarithms of all
    factors are normal with standard deviation ``strength``, half of it for single channels and magnification. Every
    second changed image is blurred by up to two passes of a binomial filter.
    """
    chosen = np.flatnonzero(generator.random(len(images)) < 0.5)
    magnified = _magnify(images[chosen], np.exp(generator.normal(0, strength / 2, len(chosen))))
    sharp = smooth = _colour(magnified, strength, generator)
    for axis in (1, 1, 2, 2):
        smooth = convolve1d(smooth, (0.25, 0.5, 0.25), axis, mode="nearest")
    blur = generator.uniform(0, 1, len(chosen)) * (generator.random(len(chosen)) < 0.5)
    blurred = sharp + blur.astype(np.float32)[:, None, None, None] * (smooth - sharp)
    changed = images.copy()
    changed[chosen] = np.rint(np.clip(blurred, 0, 255))
    return changed


def _magnify(images: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return images seen ``factors`` times as large about their centres; beyond the edge they are mirrored."""
    side, margin = images.shape[1], (MARGIN, MARGIN)
    centre = side / 2 + MARGIN
    padded = np.pad(images, ((0, 0), margin, margin, (0, 0)), mode="reflect")
    magnified = np.empty_like(images)
    for index, half in enumerate(np.minimum(side / 2 / factors, centre)):
        box = (centre - half, centre - half, centre + half, centre + half)
        magnified[index] = Image.fromarray(padded[index]).resize((side, side), Image.Resampling.BILINEAR, box)
    return magnified


def _colour(images: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Return float32 images with other density, light and saturation."""
    count = len(images)
    common = generator.normal(0, strength, (3, count, 1))
    single = generator.normal(0, strength / 2, (2, count, 3))
    density, light = np.exp(common[:2] + single)[..., None]
    levels = np.arange(256) / 255
    tables = (255 * light * levels**density).astype(np.float32)
    values = tables[np.arange(count)[:, None, None, None], np.arange(3), images]
    grey = (values @ LUMINANCE.astype(np.float32))[..., None]
    saturation = np.exp(common[2]).astype(np.float32)[:, :, None, None]
    return np.asarray(grey + saturation * (values - grey))
