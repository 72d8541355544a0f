"""The audit finds what was put there."""

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import pdist, squareform

from helpers.data.audit import (
    describe_copies,
    describe_defects,
    dropped_images,
    find_near_copies,
)
from helpers.data.cells import Cells
from helpers.data.split import split_cells


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


def test_constant_and_saturated_images_are_counted() -> None:
    images = noise(40)
    images[1] = (10, 20, 30)
    images[2] = 255
    images[4, :24] = 0
    images[5, :23] = 0
    cells = Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise")
    found, _ = describe_defects(cells, split_cells(cells))
    assert found.loc["constant images", "found"] == "2"
    assert found.loc["saturated images (50% of pixels or more)", "found"] == "2"


def test_the_table_of_defects_says_how_much_the_original_size_gives_away() -> None:
    labels = np.repeat([0, 1], 20).astype(np.uint8)
    sizes = np.where(labels[:, None] == 0, [360, 363], [366, 369])
    cells = Cells(noise(40), labels, "noise", original_sizes=sizes)
    split = split_cells(cells)
    found, across = describe_defects(cells, split)
    assert across == "0 pairs"
    assert found.loc["original sizes", "found"] == "2 sizes"
    assert found.loc["Cramér's V, size against class", "found"] == "1.00"
    mixed, _ = describe_defects(
        replace(cells, original_sizes=np.tile([[360, 363], [366, 369]], (20, 1))), split
    )
    assert mixed.loc["Cramér's V, size against class", "found"] == "0.00"
    unknown, _ = describe_defects(replace(cells, original_sizes=None), split)
    assert unknown.loc["Cramér's V, size against class", "found"] == "unknown"


def test_near_copies_in_different_parts_are_counted() -> None:
    images = noise(40)
    split = split_cells(Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise"))
    train, test = split.indices("train")[0], split.indices("test")[0]
    images[test] = images[train]
    images[test, 0, 0] += 1
    found, across = describe_defects(Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise"), split)
    assert found["found"].iloc[0] == "1"
    assert across == "1 pair"


def test_groups_of_copies_are_listed_with_their_labels() -> None:
    images = noise(40)
    images[2], images[4] = images[0], images[1]  # same label; different labels
    cells = Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise")
    table = describe_copies(cells, split_cells(cells))
    assert table["images"].tolist() == ["0, 2", "1, 4"]
    assert table["labels conflict"].tolist() == [False, True]
    assert table["dropped"].tolist() == [1, 2]


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
