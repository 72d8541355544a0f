"""Features equal those that scikit-image gives one image at a time, on ordinary and on awkward images."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from skimage.color import rgb2gray, rgb2lab
from skimage.feature import graycomatrix, local_binary_pattern
from skimage.filters import threshold_otsu
from skimage.measure import label, perimeter, regionprops

from helpers.data.synthetic import draw_cells
from helpers.features.handcrafted import GROUPS, RICH_GROUPS, extract_features
from helpers.features.shapes import stained_areas, to_grey

ROWS, COLUMNS = np.mgrid[:48, :48] - 23.5
RINGS = np.digitize(np.sqrt(ROWS**2 + COLUMNS**2), [5, 9, 13, 17, 22])
CROSS = ndimage.generate_binary_structure(2, 1)
SQUARE = np.ones((3, 3), bool)


def awkward_images() -> np.ndarray:
    """Return images on which segmentation, ties and empty regions go wrong most easily."""
    rng = np.random.default_rng(7)
    cells = draw_cells(12, seed=3).images
    background = np.full((48, 48, 3), (253, 232, 203), np.uint8)
    one_pixel, corner_pixel, frame, two_alike = (background.copy() for _ in range(4))
    one_pixel[20, 30] = (60, 20, 110)
    corner_pixel[0, 47] = (60, 20, 110)
    frame[5:40, 8:44] = 90
    frame[9:36, 12:40] = 250
    two_alike[4:12, 4:12] = two_alike[30:38, 30:38] = 40
    checkerboard = np.where((np.indices((48, 48)).sum(axis=0) % 2)[..., None], 255, 0) * np.ones(3)
    stripes = np.where((np.arange(48) // 3 % 2)[:, None, None], 200, 30) * np.ones((48, 48, 3))
    one_odd_pixel = np.zeros((48, 48, 3))
    one_odd_pixel[47, 0] = 1
    constants = [np.full((48, 48, 3), value) for value in (0, 1, 127, 128, 254, 255)]
    drawn = [
        background,
        one_pixel,
        corner_pixel,
        frame,
        two_alike,
        checkerboard,
        stripes,
        one_odd_pixel,
        *constants,
    ]
    noise = rng.integers(0, 256, (40, 48, 48, 3))
    few_values = rng.integers(0, 3, (40, 48, 48, 3)) * 100
    nearly_constant = 128 + rng.integers(0, 2, (20, 48, 48, 3))
    return np.concatenate([drawn, 255 - cells, noise, few_values, nearly_constant]).astype(np.uint8)


IMAGES = np.concatenate([draw_cells(400, seed=1).images, awkward_images()])


def grey_of(image: np.ndarray) -> np.ndarray:
    return np.floor(rgb2gray(image) * 255 + 0.5 + 1e-9).astype(np.uint8)


def lab_of(image: np.ndarray) -> np.ndarray:
    lightness, green_red, blue_yellow = np.moveaxis(rgb2lab(image), 2, 0)
    scaled = np.stack([lightness * 2.55, green_red * 2 + 100, blue_yellow * 2 + 140], axis=2)
    return np.round(scaled).clip(0, 255).astype(np.uint8)


def dark_of(plane: np.ndarray) -> np.ndarray:
    return plane <= threshold_otsu(plane) if np.ptp(plane) else np.zeros(plane.shape, bool)


def largest_region(mask: np.ndarray):
    """Return scikit-image's region of the largest part, or None."""
    return max(regionprops(label(mask)), key=lambda region: region.area, default=None)


def cell_of(grey: np.ndarray) -> np.ndarray:
    cell, region = np.zeros(grey.shape, bool), largest_region(dark_of(grey))
    if region:
        cell[region.slice] = region.image_filled
    return cell


def histogram(plane: np.ndarray, bins: int) -> np.ndarray:
    return np.histogram(plane, bins=bins, range=(0, 256))[0] / 2304


def patterns(plane: np.ndarray) -> np.ndarray:
    return np.histogram(local_binary_pattern(plane, 8, 1, "uniform"), bins=10, range=(0, 10))[0] / 2304


def co_occurrence(plane: np.ndarray) -> np.ndarray:
    angles = np.arange(4) * np.pi / 4
    matrices = graycomatrix(plane // 32, [1, 2, 4], angles, levels=8, symmetric=True, normed=True)
    return matrices.mean(axis=3)[np.triu_indices(8)].T.ravel()


def reference(group: str, image: np.ndarray) -> np.ndarray:
    """Return one image's features by plain calls to scikit-image, SciPy and NumPy."""
    grey, lab = grey_of(image), lab_of(image)
    match group:
        case "histogram":
            return np.concatenate([histogram(image[..., channel], 16) for channel in range(3)])
        case "lbp":
            return patterns(grey)
        case "mean_colour":
            return image.mean(axis=(0, 1))
        case "perimeter":
            return np.array([perimeter(cell_of(grey), neighborhood=4)])
        case "ring_histogram":
            counts = [
                np.histogram(lab[ring == RINGS, channel], bins=12, range=(0, 256))[0]
                for channel in range(3)
                for ring in range(6)
            ]
            return np.concatenate(counts) / 2304
        case "joint_histogram":
            colours = image.reshape(-1, 3)
            return np.histogramdd(colours, bins=3 * [[0, 43, 86, 129, 172, 215, 256]])[0].ravel() / 2304
        case "co_occurrence":
            return np.concatenate([co_occurrence(image[..., channel]) for channel in range(3)])
        case "ring_edges":
            channels = np.moveaxis(image, 2, 0).astype(np.float32)
            slopes = [ndimage.gaussian_gradient_magnitude(channel, 0.7) for channel in channels]
            limits = [0, 2, 4, 8, 12, 18, 26, 36, 50, 70, np.inf]
            counts = [np.histogram(slope[ring == RINGS], limits)[0] for slope in slopes for ring in range(6)]
            return np.concatenate(counts) / 2304
        case _:
            angles, radii = np.mgrid[:32, 1:22] * [[[np.pi / 16]], [[1]]]
            places = 23.5 + np.stack([radii * np.sin(angles), radii * np.cos(angles)])
            planes = np.moveaxis(image, 2, 0).astype(float)
            circles = np.stack([ndimage.map_coordinates(plane, places, order=1) for plane in planes], axis=2)
            waves = np.exp(-2j * np.pi * np.outer(np.arange(1, 9), np.arange(32)) / 32) / 32
            strength = np.abs(np.einsum("fa,arc->frc", waves, circles))
            return strength.reshape(8, 7, 3, 3).mean(axis=2).ravel()


@pytest.mark.parametrize("group", GROUPS)
def test_values_equal_scikit_image_called_once_per_image(group: str) -> None:
    assert len(IMAGES) >= 500
    features = extract_features(IMAGES, (group,), jobs=1)
    expected = np.stack([reference(group, image) for image in IMAGES])
    np.testing.assert_allclose(features.to_numpy(), expected, rtol=1e-5, atol=1e-5)


def test_table_is_single_precision_with_a_named_column_for_every_feature() -> None:
    table = extract_features(IMAGES[:3], GROUPS, jobs=1)
    assert table.columns[:2].tolist() == ["histogram/0", "histogram/1"]
    assert table.columns.is_unique
    assert set(table.dtypes) == {np.dtype(np.float32)}
    assert {name.split("/")[0] for name in table.columns} == set(GROUPS)


def test_values_do_not_depend_on_neighbours_or_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = pd.concat([extract_features(IMAGES[row : row + 1], GROUPS) for row in (0, 79, 99)])
    monkeypatch.setattr("helpers.features.handcrafted.CHUNK", 50)
    together = extract_features(IMAGES[:100], GROUPS, jobs=2)
    np.testing.assert_array_equal(together.iloc[[0, 79, 99]].to_numpy(), alone.to_numpy())


def test_turning_the_image_changes_no_feature_that_ignores_direction() -> None:
    images = IMAGES[:20]
    turned = np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    np.testing.assert_allclose(
        extract_features(turned, RICH_GROUPS), extract_features(images, RICH_GROUPS), rtol=1e-5, atol=1e-5
    )


def test_an_unknown_group_is_named() -> None:
    with pytest.raises(KeyError, match="colour"):
        extract_features(IMAGES[:1], ("colour",))


def test_stained_area_is_that_of_the_dark_part_nearest_the_centre_if_it_lies_within_the_picture() -> None:
    images = draw_cells(64, seed=3).images
    expected = []
    for grey in to_grey(images):
        parts = regionprops(label(grey <= threshold_otsu(grey), connectivity=2))
        middle = min(parts, key=lambda part: np.hypot(*(part.coords - 23.5).T).min())
        is_within = min(middle.bbox) > 0 and max(middle.bbox) < 48
        expected.append(middle.area_filled if is_within else np.nan)
    np.testing.assert_array_equal(stained_areas(images), expected)
    assert 0 < np.isnan(expected).sum() < len(expected)


def test_a_picture_of_one_colour_has_no_stained_area() -> None:
    assert np.isnan(stained_areas(np.full((1, 48, 48, 3), 200, np.uint8)))
