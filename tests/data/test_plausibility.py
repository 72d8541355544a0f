"""What is said about images of which only some are odd."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_files import cell_images

from helpers.data.plausibility import check_pixels

IMAGES = cell_images(100)


@pytest.mark.parametrize(
    ("change", "every", "said"),
    [
        (lambda images: images // 255, 25, "are dark, all or some"),
        (lambda images: images[..., ::-1], 10, "red and blue were exchanged"),
    ],
)
def test_a_few_images_of_another_scale_or_order_are_pointed_out(
    change: Callable[[np.ndarray], np.ndarray], every: int, said: str
) -> None:
    mixed = IMAGES.copy()
    mixed[::every] = change(mixed[::every])
    (warning,) = check_pixels({"": mixed}, Path("cells.npz"))
    assert said in warning
    assert check_pixels({"": IMAGES}, Path("cells.npz")) == []


def test_other_colour_spaces_are_named_as_a_cause() -> None:
    grey = IMAGES.mean(axis=3, keepdims=True)
    pale = np.concatenate([grey // 3 + 100, np.full_like(grey, 128), np.full_like(grey, 130)], axis=3)
    warnings = check_pixels({"": pale.astype(np.uint8)}, Path("cells.npz"))
    assert any("another colour space" in warning for warning in warnings)
