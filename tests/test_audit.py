"""The audit finds what was put there."""

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import pdist, squareform

from helpers.audit import (
    dropped_images,
    find_constant,
    find_near_copies,
    find_saturated,
    has_blue_background,
    size_by_class,
)
from helpers.cells import Cells
from helpers.preprocessing import split_cells


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 200, (count, 48, 48, 3)).astype(np.uint8)


def test_near_copies_are_those_a_full_comparison_finds() -> None:
    images = noise(40)
    generator = np.random.default_rng(1)
    for target, source, spread in ((30, 3, 2), (31, 4, 5), (32, 5, 9)):
        images[target] = images[source] + generator.integers(-spread, spread + 1, (48, 48, 3))
    images[33] = images[6]  # an exact copy is no near copy
    found = find_near_copies(images)
    distances = squareform(pdist(images.reshape(40, -1).astype(float))) / np.sqrt(48 * 48 * 3)
    first, second = np.nonzero(np.triu((distances > 0) & (distances <= 4)))
    assert found[["first", "second"]].to_numpy().tolist() == np.column_stack([first, second]).tolist()
    assert found[["first", "second"]].to_numpy().tolist() == [[3, 30], [4, 31]]
    np.testing.assert_allclose(found["difference"], distances[first, second])


def test_many_equal_images_are_no_near_copies_of_each_other() -> None:
    images = np.repeat(noise(1), 2000, axis=0)
    assert find_near_copies(images).empty


def test_where_nearly_all_images_are_alike_their_pairs_are_not_listed() -> None:
    dark = np.random.default_rng(0).integers(0, 2, (1_500, 48, 48, 3), dtype=np.uint8)
    assert find_near_copies(dark) is None


def test_constant_and_saturated_images_are_found() -> None:
    images = noise(6)
    images[1] = (10, 20, 30)
    images[2] = 255
    images[4, :30] = 0
    assert find_constant(images).tolist() == [1, 2]
    assert find_saturated(images).tolist() == [2, 4]


def test_a_size_that_names_the_class_has_an_association_of_one() -> None:
    labels = np.repeat([0, 1], 20).astype(np.uint8)
    sizes = np.where(labels[:, None] == 0, [360, 363], [366, 369])
    cells = Cells(noise(40), labels, "noise", original_sizes=sizes)
    found = size_by_class(cells)
    assert found is not None
    assert found[0].loc["366×369", "eosinophil"] == 20
    np.testing.assert_allclose(found[1], 1)
    mixed = size_by_class(replace(cells, original_sizes=np.tile([[360, 363], [366, 369]], (20, 1))))
    assert mixed is not None
    np.testing.assert_allclose(mixed[1], 0, atol=1e-12)
    assert size_by_class(replace(cells, original_sizes=None)) is None


def test_every_dropped_image_is_listed_with_its_reason() -> None:
    images = noise(60)
    images[2], images[4] = images[0], images[1]  # same label; different labels
    cells = Cells(images, (np.arange(60) % 2).astype(np.uint8), "noise")
    table = dropped_images(cells, split_cells(cells)).set_index("index")
    assert table.loc[[1, 4], "reason"].tolist() == ["copies carry different labels"] * 2
    assert len(table) == 3
    copy = table.drop([1, 4])
    assert copy.index[0] in (0, 2)
    assert copy["reason"].iloc[0] == f"copy of image {2 - copy.index[0]}"


def test_a_second_acquisition_shows_in_its_background() -> None:
    images = np.full((6, 48, 48, 3), (250, 228, 202), np.uint8)
    images[:, 12:36, 12:36] = (90, 40, 140)  # a violet cell says nothing about the background
    images[4:] = np.where(images[4:] == (250, 228, 202), (240, 230, 245), images[4:])
    assert has_blue_background(images).tolist() == [False] * 4 + [True] * 2
