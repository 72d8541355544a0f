"""The audit finds what was put there."""

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import pdist, squareform

from helpers.data.audit import describe_defects, dropped_images, find_near_copies
from helpers.data.cells import Cells
from helpers.data.split import DROPPED, split_cells


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
    found = describe_defects(cells, split_cells(cells))["found"]
    assert found["images of one colour"] == 2
    assert found["images mostly pure black or white"] == 2


def test_the_table_of_defects_says_how_much_the_original_size_gives_away() -> None:
    labels = np.repeat([0, 1], 20).astype(np.uint8)
    sizes = np.where(labels[:, None] == 0, [360, 363], [366, 369])
    cells = Cells(noise(40), labels, "noise", original_sizes=sizes)
    split = split_cells(cells)
    found = describe_defects(cells, split)["found"]
    assert found["pairs of near copies in two splits"] == 0
    assert found["original sizes"] == 2
    assert found["Cramér’s V between size and class"] == "1.00"
    mixed = replace(cells, original_sizes=np.tile([[360, 363], [366, 369]], (20, 1)))
    assert describe_defects(mixed, split)["found"]["Cramér’s V between size and class"] == "0.00"
    unknown = describe_defects(replace(cells, original_sizes=None), split)
    assert not any("size" in defect for defect in unknown.index)


def test_near_copies_in_different_splits_are_counted() -> None:
    images = noise(40)
    split = split_cells(Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise"))
    train, test = split.indices("train")[0], split.indices("test")[0]
    images[test] = images[train]
    images[test, 0, 0] += 1
    cells = Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise")
    found = describe_defects(cells, split)["found"]
    assert found["pairs of near copies"] == found["pairs of near copies in two splits"] == 1
    split.parts[test] = DROPPED
    assert describe_defects(cells, split)["found"]["pairs of near copies"] == 0


def test_every_dropped_image_is_listed_with_its_reason() -> None:
    images = noise(60)
    images[2], images[4] = images[0], images[1]  # same label; different labels
    cells = Cells(images, (np.arange(60) % 2).astype(np.uint8), "noise")
    table = dropped_images(cells, split_cells(cells)).set_index("index")
    assert table.loc[[1, 4], "reason"].tolist() == ["copies have different labels"] * 2
    assert len(table) == 3
    copy = table.drop([1, 4])
    assert copy.index[0] in (0, 2)
    assert copy["reason"].iloc[0] == f"copy of image {2 - copy.index[0]}"
