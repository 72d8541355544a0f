"""Colour statistics against a hand-computed case and scikit-image."""

import numpy as np
from skimage.color import rgb2gray

from helpers.features.colour import colour_statistics, has_blue_background


def test_a_half_black_half_white_image_by_hand() -> None:
    image = np.zeros((1, 48, 48, 3), np.uint8)
    image[0, :12] = (200, 150, 100)  # grey 0.299*200 + 0.587*150 + 0.114*100 = 159.25
    table = colour_statistics(image)
    row = table.iloc[0]
    np.testing.assert_allclose(row[["red", "green", "blue"]].astype(float), [50, 37.5, 25])
    np.testing.assert_allclose(row["grey"], 159.25 / 4, rtol=1e-6)
    np.testing.assert_allclose(row["black"], 0)
    np.testing.assert_allclose(row["white"], 159.25, rtol=1e-6)


def test_an_image_without_dark_pixels_has_no_black() -> None:
    table = colour_statistics(np.full((1, 48, 48, 3), 255, np.uint8))
    assert np.isnan(table["black"][0])
    assert table["white"][0] == 255


def test_more_images_than_a_chunk_equal_the_images_one_by_one() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2050, 48, 48, 3), dtype=np.uint8)
    table = colour_statistics(images)
    for index in (0, 2047, 2048, 2049):
        one = colour_statistics(images[index : index + 1])
        np.testing.assert_allclose(table.iloc[index], one.iloc[0])


def test_grey_goes_with_that_of_scikit_image() -> None:
    # scikit-image weighs the channels by BT.709, we by BT.601: equal where all channels are
    grey = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), dtype=np.uint8)
    images = np.repeat(grey, 3, axis=3)
    expected = [255 * rgb2gray(image).mean() for image in images]
    np.testing.assert_allclose(colour_statistics(images)["grey"], expected, rtol=1e-5)


def test_a_second_acquisition_shows_in_its_background() -> None:
    images = np.full((6, 48, 48, 3), (250, 228, 202), np.uint8)
    images[:, 12:36, 12:36] = (90, 40, 140)  # a violet cell says nothing about the background
    images[4:] = np.where(images[4:] == (250, 228, 202), (240, 230, 245), images[4:])
    assert has_blue_background(images).tolist() == [False] * 4 + [True] * 2
