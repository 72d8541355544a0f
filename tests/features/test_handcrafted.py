"""Features are what hand-computed pictures say, for any picture, and the same alone and among others."""

import numpy as np
import pandas as pd
import pytest
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops

from helpers.data.synthetic import draw_cells
from helpers.features.handcrafted import FEATURES, REPORT_GROUPS, RICH_GROUPS, extract_features
from helpers.features.shapes import stained_areas, to_grey

IMAGES = draw_cells(100, seed=1).images


def picture(value: int = 200) -> np.ndarray:
    return np.full((48, 48, 3), value, np.uint8)


def features_of(image: np.ndarray, group: str) -> pd.Series:
    row = extract_features(image[None], (group,), jobs=1).iloc[0]
    return row.rename(lambda name: name.split("/")[1])


def test_histograms_are_shares_of_pixels_in_sixteen_bins_of_each_channel() -> None:
    image = picture(0)
    image[:12, :, 0] = 255
    image[:, :, 1] = 31
    found = features_of(image, "histogram")
    assert found[found > 0].to_dict() == {"red_00": 0.75, "red_15": 0.25, "green_01": 1, "blue_00": 1}


def test_mean_colour_is_that_of_all_pixels() -> None:
    image = picture(10)
    image[:24] = (110, 10, 30)
    assert features_of(image, "mean_colour").to_dict() == {"red": 60, "green": 10, "blue": 20}


def test_local_binary_patterns_tell_flat_from_spotted() -> None:
    flat = features_of(picture(), "lbp")
    assert flat["8"] == pytest.approx(46 * 46 / 48**2)  # no neighbour is darker, but those beyond the edge are
    spotted = picture()
    spotted[2:46:4, 2:46:4] = 250
    peaks = 11 * 11 / 48**2
    assert features_of(spotted, "lbp")["0"] == pytest.approx(peaks)  # all neighbours are darker


def test_the_perimeter_is_that_of_the_largest_dark_part_without_its_holes() -> None:
    image = picture()
    image[10:30, 10:30] = 50
    image[18:22, 18:22] = 200
    image[40:44, 40:44] = 50
    assert features_of(image, "perimeter")["cell"] == 4 * 19


def test_ring_histograms_say_where_a_colour_lies() -> None:
    image = picture(255)
    image[22:26, 22:26] = 0
    found = features_of(image, "ring_histogram")
    assert found["lightness_ring0_00"] == pytest.approx(16 / 48**2)
    assert found[[f"lightness_ring{ring}_11" for ring in range(6)]].sum() == pytest.approx(1 - 16 / 48**2)
    assert found["lightness_ring1_00"] == 0


def test_co_occurrences_count_which_levels_lie_apart_by_a_distance() -> None:
    image = picture(0)
    image[:, ::2] = 255
    found = features_of(image, "co_occurrence")
    # one pixel apart, columns differ in three of four directions; two apart, the slants are one pixel
    assert found["red_distance1_0_7"] == pytest.approx(3 / 4 / 2)
    assert found["red_distance2_0_7"] == pytest.approx(2 / 4 / 2)
    assert found["red_distance4_0_7"] == pytest.approx(2 / 4 / 2)
    assert found[found.index.str.startswith("red_distance1")].sum() == pytest.approx(1 - 3 / 8)


def test_every_feature_of_every_picture_is_a_number() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (8, 48, 48, 3)).astype(np.uint8)
    constants = np.stack([picture(value) for value in (0, 1, 127, 128, 254, 255)])
    table = extract_features(np.concatenate([noise, constants]), REPORT_GROUPS + RICH_GROUPS)
    assert np.isfinite(table.to_numpy()).all()
    assert (table["perimeter/cell"].iloc[-6:] == 0).all()


def test_table_is_single_precision_with_a_named_column_for_every_feature() -> None:
    groups = (*REPORT_GROUPS, *RICH_GROUPS)
    table = extract_features(IMAGES[:3], groups, jobs=1)
    assert list(table.columns) == [f"{group}/{name}" for group in groups for name in FEATURES[group]]
    assert table.columns.is_unique
    assert set(table.dtypes) == {np.dtype(np.float32)}
    assert {name.split("/")[0] for name in table.columns} == set(groups)


def test_values_do_not_depend_on_neighbours_or_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = (*REPORT_GROUPS, *RICH_GROUPS)
    alone = pd.concat([extract_features(IMAGES[row : row + 1], groups) for row in (0, 79, 99)])
    monkeypatch.setattr("helpers.features.handcrafted.CHUNK", 50)
    together = extract_features(IMAGES[:100], groups, jobs=2)
    np.testing.assert_array_equal(together.iloc[[0, 79, 99]].to_numpy(), alone.to_numpy())


def test_turning_the_image_changes_no_feature_that_ignores_direction() -> None:
    groups = ("ring_histogram", "co_occurrence")
    images = IMAGES[:20]
    turned = np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    np.testing.assert_allclose(extract_features(turned, groups), extract_features(images, groups), rtol=1e-5, atol=1e-5)


def test_an_unknown_group_is_named() -> None:
    with pytest.raises(KeyError, match="colour"):
        extract_features(IMAGES[:1], ("colour",))


def test_stained_area_is_that_of_the_dark_part_nearest_the_centre_if_it_lies_within_the_picture() -> None:
    images = draw_cells(64, seed=3).images
    expected = []
    for grey in map(to_grey, images):
        parts = regionprops(label(grey <= threshold_otsu(grey), connectivity=2))
        middle = min(parts, key=lambda part: np.hypot(*(part.coords - 23.5).T).min())
        is_within = min(middle.bbox) > 0 and max(middle.bbox) < 48
        expected.append(middle.area_filled if is_within else np.nan)
    np.testing.assert_array_equal(stained_areas(images), expected)
    assert 0 < np.isnan(expected).sum() < len(expected)


def test_a_picture_of_one_colour_has_no_stained_area() -> None:
    assert np.isnan(stained_areas(np.full((1, 48, 48, 3), 200, np.uint8)))
