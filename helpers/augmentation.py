"""Other views of the same cell: forms that a slide could have shown as well, colours that another stain could have."""

from __future__ import annotations

import numpy as np

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


def jitter_colours(images: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 images (N, S, S, 3) with other lighting and stain, drawn for each image by itself.

    A power (gamma) and a gain common to the channels, and a gain of each channel; their logarithms are normal with
    standard deviation ``strength``, half of it for the single channels.
    """
    count = len(images)
    gamma = np.exp(generator.normal(0, strength, (count, 1, 1)))
    gain = np.exp(
        generator.normal(0, strength, (count, 1, 1)) + generator.normal(0, strength / 2, (count, 3, 1))
    )
    values = np.arange(256) / 255
    tables = np.clip(255 * gain * values**gamma, 0, 255).astype(np.uint8)
    changed: np.ndarray = tables[np.arange(count)[:, None, None, None], np.arange(3), images]
    return changed
