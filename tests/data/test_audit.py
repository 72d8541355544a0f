"""The audit finds what was put there."""

from dataclasses import replace

import numpy as np

from helpers.data.audit import describe_defects, dropped_images
from helpers.data.cells import Cells
from helpers.data.split import split_cells


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 200, (count, 48, 48, 3)).astype(np.uint8)


def test_constant_and_saturated_images_are_counted() -> None:
    images = noise(40)
    images[1] = (10, 20, 30)
    images[2] = 255
    images[4, :24] = 0
    images[5, :23] = 0
    cells = Cells(images, (np.arange(40) % 2).astype(np.uint8), "noise")
    found = describe_defects(cells)["found"]
    assert found["images of one colour"] == 2
    assert found["images mostly pure black or white"] == 2


def test_the_table_of_defects_says_how_much_the_original_size_gives_away() -> None:
    labels = np.repeat([0, 1], 20).astype(np.uint8)
    sizes = np.where(labels[:, None] == 0, [360, 363], [366, 369])
    cells = Cells(noise(40), labels, "noise", original_sizes=sizes)
    found = describe_defects(cells)["found"]
    assert found["original sizes"] == 2
    assert found["Cramér’s V between size and class"] == "1.00"
    mixed = replace(cells, original_sizes=np.tile([[360, 363], [366, 369]], (20, 1)))
    assert describe_defects(mixed)["found"]["Cramér’s V between size and class"] == "0.00"
    unknown = describe_defects(replace(cells, original_sizes=None))
    assert not any("size" in defect for defect in unknown.index)


def test_every_dropped_image_is_listed_with_its_reason() -> None:
    images = noise(60)
    images[2], images[4] = images[0], images[1]  # same label; different labels
    cells = Cells(images, (np.arange(60) % 2).astype(np.uint8), "noise")
    split = split_cells(cells)
    table = dropped_images(cells, split)
    assert list(table) == ["index", "pixel_sha256", "label", "reason"]
    assert table["pixel_sha256"].tolist() == split.pixel_sha256[table["index"]].tolist()
    table = table.set_index("index")
    assert table.loc[[1, 4], "label"].tolist() == ["eosinophil", "basophil"]
    assert table.loc[[1, 4], "reason"].tolist() == ["copies have different labels"] * 2
    assert len(table) == 3
    copy = table.drop([1, 4])
    assert copy.index[0] in (0, 2)
    assert copy["reason"].iloc[0] == f"copy of image {2 - copy.index[0]}"
