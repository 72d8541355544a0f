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
    magnified = magnify(images[chosen], np.exp(generator.normal(0, strength / 2, len(chosen))))
    sharp = smooth = _colour(magnified, strength, generator)
    for axis in (1, 1, 2, 2):
        smooth = convolve1d(smooth, (0.25, 0.5, 0.25), axis, mode="nearest")
    blur = generator.uniform(0, 1, len(chosen)) * (generator.random(len(chosen)) < 0.5)
    blurred = sharp + blur.astype(np.float32)[:, None, None, None] * (smooth - sharp)
    changed = images.copy()
    changed[chosen] = np.rint(np.clip(blurred, 0, 255))
    return changed


def show_elsewhere(images: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 images (N, S, S, 3), about a ``share`` of them as another laboratory might show the same cells.

    Those are turned by any angle, moved, shown 0.58 to 1.42 times as large, recoloured, and half of them each are
    blurred by up to two passes of a binomial filter and covered with noise of a standard deviation up to 4.
    """
    chosen = np.flatnonzero(generator.random(len(images)) < share)
    count = (len(chosen), 1, 1, 1)
    sharp = smooth = recolour(_place(images[chosen], generator), generator)
    for axis in (1, 1, 2, 2):
        smooth = convolve1d(smooth, (0.25, 0.5, 0.25), axis, mode="nearest")
    blur, noise = (generator.uniform(0, most, count) * (generator.random(count) < 0.5) for most in (1, 4))
    seen = sharp + blur.astype(np.float32) * (smooth - sharp)
    seen += noise.astype(np.float32) * generator.standard_normal(seen.shape, np.float32)
    changed = images.copy()
    changed[chosen] = np.rint(np.clip(seen, 0, 255))
    return changed


def _place(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return square images, each turned, moved and magnified at random; beyond the edge they are mirrored."""
    count, side = images.shape[:2]
    margin = 3 * side // 4  # more than any such view reaches beyond the edge
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")
    angles, steps = generator.uniform(0, 2 * np.pi, count), np.exp(generator.uniform(-0.35, 0.55, count))
    across, down = steps * np.cos(angles), steps * np.sin(angles)
    centres = side / 2 + margin + generator.normal(0, 1.5, (count, 2))
    placed = np.empty_like(images)
    for index, (image, a, b, (x, y)) in enumerate(zip(padded, across, down, centres, strict=True)):
        matrix = (a, b, x - (a + b) * side / 2, -b, a, y - (a - b) * side / 2)
        view = Image.fromarray(image).transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        placed[index] = view
    return placed


def recolour(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return float32 images (N, S, S, 3) of the same optical densities in other stains, before another background.

    The background is the 90th percentile of each channel. Densities are mixed between the channels by a random matrix
    near the identity, multiplied by factors of the channels and a common one, raised to a power and made more or less
    grey; then they darken a new background between 120 and 255.
    """
    count = len(images)

    def factors(deviation: float, channels: int = 1) -> np.ndarray:
        return np.exp(generator.normal(0, deviation, (count, 1, 1, channels))).astype(np.float32)

    values = images.astype(np.float32)
    background = np.percentile(values[:, ::3, ::3], 90, axis=(1, 2)).astype(np.float32)[:, None, None]
    density = -np.log(np.clip((values + 1) / (background + 1), 0.004, 1.05))
    mixing = np.eye(3, dtype=np.float32) + generator.normal(0, 0.1, (count, 1, 3, 3)).astype(np.float32)
    density = density @ mixing * factors(0.3, 3) * factors(0.25)
    density = np.sign(density) * np.abs(density) ** factors(0.2)
    grey = density.mean(axis=-1, keepdims=True)
    density = grey + (density - grey) * factors(0.3)
    light = generator.uniform(170, 255, (count, 1, 1, 1)) + generator.normal(0, 15, (count, 1, 1, 3))
    return np.asarray(np.clip(light, 120, 255).astype(np.float32) * np.exp(-density))


def magnify(images: np.ndarray, factors: np.ndarray) -> np.ndarray:
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
