"""The look of training images: others of their kind are familiar, cells of another stain or microscope are not."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.data.synthetic import draw_cells
from helpers.features.look import fit_look, measure_look

CELLS = draw_cells(2400, seed=9).images
OTHERS = CELLS[1900:]


@pytest.fixture(scope="module")
def look():
    return fit_look(CELLS[:1500], CELLS[1500:1900])


def test_cells_of_the_same_source_are_familiar(look) -> None:
    assert look.is_familiar(OTHERS).mean() >= 0.97


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[..., ::-1],
        lambda x: x * [0.85, 1, 1],
        lambda x: x * 0.8,
        lambda x: 255 * (x / 255) ** 1.8,
        lambda x: np.repeat(x.mean(axis=3, keepdims=True), 3, axis=3),
        lambda x: gaussian_filter(x, (0, 1, 1, 0)),
        lambda x: x + np.random.default_rng(0).normal(0, 12, x.shape),
        lambda x: 255 - x,
    ],
    ids=["channels", "hue", "dark", "dense", "grey", "blurred", "noisy", "negative"],
)
def test_other_colours_and_sharpness_are_not(change, look) -> None:
    changed = np.clip(np.rint(change(OTHERS.astype(np.float32))), 0, 255).astype(np.uint8)
    assert look.is_familiar(changed).mean() <= 0.01


def test_the_same_images_give_the_same_digits_one_by_one_or_together(look) -> None:
    again = fit_look(CELLS[:1500], CELLS[1500:1900])
    assert again.threshold == look.threshold
    np.testing.assert_array_equal(again.roots, look.roots)
    one_by_one = [look.log_likelihood(image[None])[0] for image in OTHERS[:5]]
    np.testing.assert_allclose(one_by_one, look.log_likelihood(OTHERS)[:5], rtol=1e-9)


def test_few_images_serve(recwarn) -> None:
    look = fit_look(CELLS[:40], CELLS[40:50])
    assert look.is_familiar(OTHERS).mean() >= 0.9
    assert look.is_familiar(OTHERS[..., ::-1]).mean() <= 0.05
    assert len(recwarn) == 0


def test_images_of_one_colour_serve_and_are_told_from_others(recwarn) -> None:
    flat = np.full((12, 48, 48, 3), 200, np.uint8)
    look = fit_look(flat, flat[:3])
    assert look.is_familiar(flat).all()
    assert not look.is_familiar(OTHERS[:9]).any()
    assert np.isfinite(look.log_likelihood(OTHERS[:9])).all()
    assert len(recwarn) == 0


def test_means_of_a_known_image() -> None:
    image = np.zeros((1, 48, 48, 3), np.uint8)
    image[:, :24] = (10, 20, 30)  # half of the pixels, on one side of an edge
    colours, edges = np.split(measure_look(image)[0].reshape(1, -1), [21], axis=1)
    bands = colours.reshape(3, 7)
    np.testing.assert_allclose(bands[:, [0, 1, 2]], 0)
    np.testing.assert_allclose(bands[:, [4, 5, 6]], np.outer([10, 20, 30], [1, 1, 1]))
    np.testing.assert_allclose(bands[:, 3], [5, 10, 15], rtol=0.01)
    slopes = [value**2 / 47 for value in (10, 20, 30)]  # one of 47 rows of differences
    np.testing.assert_allclose(edges[0, :3], np.log1p(slopes))
    np.testing.assert_allclose(edges[0, 3:].reshape(3, 4)[:, :2], 0)
