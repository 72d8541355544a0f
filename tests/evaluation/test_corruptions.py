"""Corruptions grow with severity and repeat exactly; each does what its name says, against scikit-image or by hand."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage import color
from skimage.filters import gaussian

from helpers.data.synthetic import draw_cells
from helpers.evaluation.corruptions import (
    CORRUPTIONS,
    NEUTRAL_AMOUNTS,
    SEVERITIES,
    SHIFTS,
    Laboratory,
    add_bubbles,
    add_stain_deposit,
    blur_by_defocus,
    corrupt,
    shift_colours,
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return draw_cells(300, seed=5).images


def change(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.abs(after.astype(float) - before).mean())


def test_there_are_eleven_corruptions_and_five_severities() -> None:
    assert len(CORRUPTIONS) == 11
    assert SEVERITIES == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_severity_changes_images_more_than_the_one_before(name, images) -> None:
    untouched = images.copy()
    changes = [0.0]
    for severity in SEVERITIES:
        corrupted = corrupt(images, name, severity)
        assert corrupted.shape == images.shape
        assert corrupted.dtype == np.uint8
        changes.append(change(images, corrupted))
    assert np.all(np.diff(changes) > 0)
    np.testing.assert_array_equal(images, untouched)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_call_gives_the_same_images(name, images) -> None:
    np.testing.assert_array_equal(corrupt(images, name, 3), corrupt(images, name, 3))


@pytest.mark.parametrize("name", ["motion blur", "stain deposit", "bubble"])
def test_chance_differs_between_images_and_severities(name, images) -> None:
    same = np.repeat(images[:1], 2, axis=0)
    assert change(*corrupt(same, name, 5)) > 0
    assert change(corrupt(images, name, 4), corrupt(images, name, 5)) > 0


@pytest.mark.parametrize(("name", "severity"), [("fog", 1), ("bubble", 0), ("bubble", 6)])
def test_unknown_corruptions_and_severities_are_refused(name, severity, images) -> None:
    with pytest.raises(ValueError, match="not in"):
        corrupt(images, name, severity)


def test_compression_is_that_of_pillow(images) -> None:
    stream = io.BytesIO()
    Image.fromarray(images[7]).save(stream, "JPEG", quality=7)
    np.testing.assert_array_equal(corrupt(images, "JPEG compression", 5)[7], np.asarray(Image.open(stream)))


def test_pixelated_images_consist_of_block_means(images) -> None:
    # severity 5 leaves 12 pixels a side: blocks of 4 x 4
    blocks = images.reshape(-1, 12, 4, 12, 4, 3).mean(axis=(2, 4))
    expected = np.kron(blocks, np.ones((1, 4, 4, 1)))
    assert np.abs(corrupt(images, "pixelate", 5) - expected).max() <= 1


def test_brightness_and_contrast_by_hand() -> None:
    halves = np.zeros((1, 48, 48, 3), np.uint8)
    halves[:, :, :24], halves[:, :, 24:] = 60, 140  # mean grey 100
    darker, flatter = corrupt(halves, "brightness down", 5), corrupt(halves, "contrast down", 5)
    assert np.unique(darker).tolist() == [30, 70]
    assert np.unique(flatter).tolist() == [80, 120]
    assert np.unique(corrupt(halves, "contrast up", 5)).tolist() == [48, 152]


def test_saturation_is_that_of_hsv(images) -> None:
    before, after = color.rgb2hsv(images), color.rgb2hsv(corrupt(images, "saturate", 5))
    coloured = (before[..., 1] > 0.1) & (before[..., 2] > 0.3)
    expected = np.minimum(before[..., 1] + 0.20, 1)
    np.testing.assert_allclose(after[..., 1][coloured], expected[coloured], atol=0.02)
    np.testing.assert_allclose(after[..., 2], before[..., 2], atol=1e-9)


@pytest.mark.parametrize("name", ["defocus blur", "motion blur"])
def test_blurs_keep_the_light_and_lose_the_detail(name, images) -> None:
    point = np.zeros((1, 48, 48, 3), np.uint8)
    point[:, 24, 24] = 255
    blurred = corrupt(point, name, 5).astype(float)
    assert blurred[..., 0].sum() == pytest.approx(255, abs=20)
    rows, columns = np.indices((48, 48))
    for coordinate in (rows, columns):
        assert np.average(coordinate, weights=blurred[0, ..., 0]) == pytest.approx(24, abs=0.1)
    smooth = np.stack([gaussian(image, 1.0, channel_axis=-1) * 255 for image in images[:20]])
    assert change(smooth, corrupt(images[:20], name, 3)) < change(smooth, images[:20])


def test_defocus_spreads_a_point_over_a_disc_of_the_stated_radius() -> None:
    point = np.zeros((1, 48, 48, 3), np.uint8)
    point[:, 24, 24] = 255
    disc = corrupt(point, "defocus blur", 5)[0, ..., 0].astype(float)
    spread = np.average((np.indices((48, 48)) - 24.0)[0] ** 2, weights=disc)
    assert np.sqrt(spread) == pytest.approx(2.0 / 2, rel=0.1)  # a disc of radius 2 has a standard deviation of 1
    assert np.count_nonzero(disc) == 21  # pixels no further from the point than 2.5, without the corners at 2.8


def test_motion_smears_along_a_line_of_the_stated_length() -> None:
    points = np.zeros((50, 48, 48, 3), np.uint8)
    points[:, 24, 24] = 255
    rows, columns = np.indices((48, 48)) - 24
    for smear in corrupt(points, "motion blur", 5)[..., 0].astype(float):
        moments = np.cov(np.stack([rows.ravel(), columns.ravel()]), aweights=smear.ravel())
        across, along = np.sqrt(np.linalg.eigvalsh(moments))
        # a uniform line of length 7 has a standard deviation of 7 / sqrt(12)
        assert along == pytest.approx(7 / np.sqrt(12), rel=0.1)
        assert across < 0.6


def test_deposits_only_darken_and_bubbles_only_lighten(images) -> None:
    assert np.all(corrupt(images, "stain deposit", 5) <= images)
    assert np.all(corrupt(images, "bubble", 5) >= images)
    touched = (corrupt(images, "stain deposit", 1) < images).any(axis=-1).mean()
    assert 0.002 < touched < 0.02  # one deposit of about 13 to 20 of 2,304 pixels


def test_a_deposit_leaves_a_tenth_of_the_light_and_a_bubble_veils_two_fifths() -> None:
    black, white = np.zeros((48, 48, 3)), np.full((48, 48, 3), 255)
    light = add_stain_deposit(white, (1, 6.0), np.random.default_rng(0))
    assert light.min() == pytest.approx(0.1 * 255)
    assert 0.7 < np.mean(255 - light) * 48**2 / (0.9 * 255) / (np.pi * 6**2) < 1.4  # the area of its circle
    veil = add_bubbles(black, (1, 9.0), np.random.default_rng(0))
    assert np.median(veil[veil > 0]) == pytest.approx(0.4 * 255)
    assert 0.45 * 255 < veil.max() <= 0.5 * 255  # on the rim


def test_a_laboratory_changes_what_its_numbers_say_and_nothing_else(images) -> None:
    few, neutral = images[:3], Laboratory(1.0, 1.0, (1.0, 1.0, 1.0), 1.0, 0.0)
    np.testing.assert_array_equal(neutral.show(few), few)
    np.testing.assert_array_equal(replace(neutral, blue_stain=1.5).show(few), shift_colours(few, "blue stain", 1.5))
    np.testing.assert_array_equal(replace(neutral, red_stain=0.5).show(few), shift_colours(few, "red stain", 0.5))
    dimmed = np.rint(few * np.array([1.0, 0.5, 0.8])).astype(np.uint8)
    np.testing.assert_array_equal(replace(neutral, light=(1.0, 0.5, 0.8)).show(few), dimmed)
    blurred = np.rint(np.stack([blur_by_defocus(image, 1.2) for image in few]))
    np.testing.assert_array_equal(replace(neutral, blur=1.2).show(few), blurred)
    larger = replace(neutral, magnification=2.0).show(few)[0]
    middle = Image.fromarray(few[0, 12:36, 12:36]).resize((48, 48), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(larger[1:-1, 1:-1], np.asarray(middle)[1:-1, 1:-1])
    flat = np.full((1, 48, 48, 3), 120, np.uint8)
    np.testing.assert_array_equal(replace(neutral, magnification=0.8).show(flat), flat)  # its margin is not black


@pytest.mark.parametrize("name", SHIFTS)
def test_no_shift_changes_nothing_and_more_changes_more(name, images) -> None:
    np.testing.assert_array_equal(shift_colours(images, name, NEUTRAL_AMOUNTS[name]), images)
    step = 10 if name == "hue" else 0.2
    for side in (-1, 1):
        amounts = [NEUTRAL_AMOUNTS[name] + side * step * factor for factor in (1, 2, 3)]
        assert np.all(np.diff([change(images, shift_colours(images, name, a)) for a in amounts]) > 0)


def test_a_stain_is_made_stronger_alone() -> None:
    # a pixel that carries both stains, mixed by scikit-image
    mixed = np.full((1, 48, 48, 3), (0.10, 0.06, 0.0))
    image = np.rint(255 * color.hed2rgb(mixed)).astype(np.uint8)
    for stain, name in enumerate(("blue stain", "red stain")):
        shifted = color.rgb2hed(shift_colours(image, name, 1.5))[0, 0, 0]
        expected = mixed[0, 0, 0].copy()
        expected[stain] *= 1.5
        np.testing.assert_allclose(shifted, expected, atol=0.004)


def test_hue_turns_by_the_degrees_asked_for() -> None:
    red = np.zeros((1, 48, 48, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_array_equal(shift_colours(red, "hue", 120)[0, 0, 0], (0, 200, 0))
    np.testing.assert_array_equal(shift_colours(red, "hue", -120)[0, 0, 0], (0, 0, 200))


def test_any_number_of_images_will_do(images) -> None:
    for count in (1, 257):
        assert corrupt(np.resize(images, (count, 48, 48, 3)), "bubble", 1).shape == (count, 48, 48, 3)
