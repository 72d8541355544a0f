"""Other views of the same cell: as it might lie on the slide, and as another laboratory might show it."""

import numpy as np
from PIL import Image
from scipy.ndimage import convolve1d

FORMS = 8
"""Quarter turns and their mirror images: a cell on a slide has no up and no left."""


def flip_and_turn(images: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """Return square images (N, S, S, C), each turned by ``forms`` quarter turns and mirrored from 4 on."""
    turned = np.empty_like(images)
    for form in range(FORMS):
        chosen = forms == form
        view = np.rot90(images[chosen], form % 4, axes=(1, 2))
        turned[chosen] = view[:, :, ::-1] if form >= 4 else view
    return turned


def show_elsewhere(
    images: np.ndarray, share: float, generator: np.random.Generator, strength: float = 1.0
) -> np.ndarray:
    """Return uint8 images (N, S, S, 3), about a ``share`` of them as another laboratory might show the same cells.

    Those are turned by any angle, moved, shown 0.58 to 1.42 times as large, recoloured, and half of them each are
    blurred by up to two passes of a binomial filter and covered with noise of a standard deviation up to 4. A
    ``strength`` below 1 makes all changes but the turns smaller.
    """
    chosen = np.flatnonzero(generator.random(len(images)) < share)
    if not len(chosen):
        return images.copy()
    count = (len(chosen), 1, 1, 1)
    sharp = smooth = recolour(_place(images[chosen], generator, strength), generator, strength)
    for axis in (1, 1, 2, 2):
        smooth = convolve1d(smooth, (0.25, 0.5, 0.25), axis, mode="nearest")
    blur, noise = (generator.uniform(0, strength, count) * (generator.random(count) < 0.5) for _ in range(2))
    seen = sharp + blur.astype(np.float32) * (smooth - sharp)
    seen += 4 * noise.astype(np.float32) * generator.standard_normal(seen.shape, np.float32)
    changed = images.copy()
    changed[chosen] = np.rint(np.clip(seen, 0, 255))
    return changed


def _place(images: np.ndarray, generator: np.random.Generator, strength: float) -> np.ndarray:
    """Return square images, each turned, moved and magnified at random; beyond the edge they are mirrored."""
    count, side = images.shape[:2]
    margin = 3 * side // 4  # more than any such view reaches beyond the edge
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")
    angles = generator.uniform(0, 2 * np.pi, count)
    steps = np.exp(strength * generator.uniform(-0.35, 0.55, count))
    across, down = steps * np.cos(angles), steps * np.sin(angles)
    centres = side / 2 + margin + generator.normal(0, 1.5 * strength, (count, 2))
    placed = np.empty_like(images)
    for index, (image, a, b, (x, y)) in enumerate(zip(padded, across, down, centres, strict=True)):
        matrix = (a, b, x - (a + b) * side / 2, -b, a, y - (a - b) * side / 2)
        view = Image.fromarray(image).transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        placed[index] = view
    return placed


def recolour(images: np.ndarray, generator: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Return float32 images (N, S, S, 3) of the same optical densities in other stains, before another background.

    The background is the 90th percentile of each channel. Densities are mixed between the channels by a random matrix
    near the identity, multiplied by factors of the channels and a common one, raised to a power and made more or less
    grey; then they darken a new background between 120 and 300, where 255 is the most that a camera tells apart. A
    ``strength`` below 1 makes all of it smaller.
    """
    count = len(images)

    def factors(deviation: float, channels: int = 1) -> np.ndarray:
        return np.exp(generator.normal(0, strength * deviation, (count, 1, 1, channels))).astype(np.float32)

    values = images.astype(np.float32)
    background = np.percentile(values[:, ::3, ::3], 90, axis=(1, 2)).astype(np.float32)[:, None, None]
    density = -np.log(np.clip((values + 1) / (background + 1), 0.004, 1.05))
    mixing = np.eye(3) + strength * generator.normal(0, 0.1, (count, 1, 3, 3))
    density = density @ mixing.astype(np.float32) * factors(0.3, 3) * factors(0.25)
    density = np.sign(density) * np.abs(density) ** factors(0.2)
    grey = density.mean(axis=-1, keepdims=True)
    density = grey + (density - grey) * factors(0.3)
    light = generator.uniform(170, 280, (count, 1, 1, 1)) + generator.normal(0, 15, (count, 1, 1, 3))
    light = background + strength * (np.clip(light, 120, 300) - background)
    return np.asarray(light.astype(np.float32) * np.exp(-density))
