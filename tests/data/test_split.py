"""The split: no image has a copy elsewhere, and the order of the images does not matter."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.data.cells import Cells
from helpers.data.constants import SPLIT_NAMES
from helpers.data.split import find_copies, hash_pixels, split_cells, take_sample
from helpers.errors import InputError


def make_cells(count: int = 200, classes: int = 8, seed: int = 0) -> Cells:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 48, 48, 3), dtype=np.uint8)
    return Cells(images, np.arange(count, dtype=np.uint8) % classes, "noise")


def with_copies(cells: Cells, copies: dict[int, int], labels: np.ndarray | None = None) -> Cells:
    """Return ``cells`` with image ``target`` overwritten by image ``source``, for each pair."""
    images = cells.images.copy()
    for target, source in copies.items():
        images[target] = images[source]
    return replace(cells, images=images, labels=cells.labels if labels is None else labels)


def test_parts_are_70_10_20_of_every_class() -> None:
    cells = make_cells(800)
    split = split_cells(cells)
    for label in range(8):
        counts = pd.Series(split.parts[cells.labels == label]).value_counts()
        assert dict(counts) == {"train": 70, "test": 20, "validation": 10}


def test_the_identity_of_cells_is_the_hash_of_their_pixels_and_then_their_labels() -> None:
    cells = make_cells(8)
    assert cells.sha256 == hashlib.sha256(cells.images.tobytes() + bytes(range(8))).hexdigest()
    assert replace(cells, labels=None).sha256 == hashlib.sha256(cells.images.tobytes()).hexdigest()


def test_same_images_in_another_order_get_the_same_split() -> None:
    cells = with_copies(make_cells(), {8: 0, 16: 0})
    order = np.random.default_rng(1).permutation(len(cells))
    shuffled = replace(cells, images=cells.images[order], labels=cells.labels[order])
    first, second = split_cells(cells), split_cells(shuffled)
    assert first.sha256 == second.sha256
    kept = np.isin(np.arange(len(cells)), [0, 8, 16], invert=True)
    np.testing.assert_array_equal(first.parts[order][kept[order]], second.parts[kept[order]])


def test_a_split_stays_as_it_was_in_earlier_versions() -> None:
    pixels = (np.arange(40 * 48 * 48 * 3) * 7919 % 251).astype(np.uint8)
    split = split_cells(Cells(pixels.reshape(40, 48, 48, 3), np.arange(40, dtype=np.uint8) % 2, "pattern"))
    assert sorted(split.indices("test")) == [2, 6, 11, 18, 27, 35, 37, 38]
    assert sorted(split.indices("validation")) == [12, 20, 25, 39]


def test_one_of_a_group_of_copies_stays_and_no_two_parts_share_pixels() -> None:
    cells = with_copies(make_cells(), {8: 0, 16: 0, 9: 1})
    split = split_cells(cells)
    assert [group.tolist() for group in find_copies(split.pixel_sha256)] == [[0, 8, 16], [1, 9]]
    assert len(split.indices("dropped")) == 3
    kept = np.concatenate([split.pixel_sha256[split.indices(part)] for part in SPLIT_NAMES])
    assert len(set(kept.tolist())) == len(kept) == len(cells) - 3


def test_copies_with_conflicting_labels_are_all_dropped() -> None:
    split = split_cells(with_copies(make_cells(), {9: 0}))  # labels 1 and 0
    np.testing.assert_array_equal(split.indices("dropped"), [0, 9])


def test_the_sources_own_split_is_kept_but_a_copy_of_a_test_image_leaves_the_training_side() -> None:
    cells = make_cells()
    own = np.array(["train", "validation", "test", "train"] * 50)
    cells = with_copies(replace(cells, source_split=own), {8: 2}, labels=np.zeros(200, np.uint8))
    labels = np.arange(200, dtype=np.uint8) // 100
    split = split_cells(replace(cells, labels=labels))
    assert own[8] == "train"
    assert own[2] == "test"
    assert split.parts[8] == "dropped"
    assert split.parts[2] == "test"
    assert split.leaked_copies == 1
    others = np.delete(np.arange(200), 8)
    np.testing.assert_array_equal(split.parts[others], own[others])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "no labels"),
        (np.zeros(30, np.uint8), "1 class among the train images"),
        (np.array([0] * 28 + [1] * 2, np.uint8), "'eosinophil' has 2"),
    ],
)
def test_cells_that_cannot_be_trained_on_are_refused_in_one_line(labels: np.ndarray | None, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        split_cells(replace(make_cells(30), labels=labels))
    assert "\n" not in str(caught.value)


def test_without_validation_images_in_the_source_some_training_images_validate() -> None:
    own = np.array(["train", "train", "train", "test"] * 50)
    labels = np.arange(200, dtype=np.uint8) // 100
    split = split_cells(replace(make_cells(), labels=labels, source_split=own))
    np.testing.assert_array_equal(split.parts == "test", own == "test")
    for label in (0, 1):
        assert np.sum(split.parts[labels == label] == "validation") == 9  # an eighth of 75
    assert "eighth" in split.origin
    assert "eighth" not in split_cells(make_cells()).origin


def test_four_images_of_a_class_are_enough_and_leave_two_to_train() -> None:
    labels = np.array([0] * 26 + [1] * 4, np.uint8)
    split = split_cells(replace(make_cells(30), labels=labels))
    assert sorted(split.parts[labels == 1]) == ["test", "train", "train", "validation"]


def test_two_training_images_of_a_class_stay_and_one_is_refused() -> None:
    own = np.array(["train", "test"] * 13 + ["train", "train", "test", "test"])
    labels = np.array([0] * 26 + [1] * 4, np.uint8)
    split = split_cells(replace(make_cells(30), labels=labels, source_split=own))
    assert split.parts[labels == 1].tolist() == ["train", "train", "test", "test"]
    own[26] = "test"
    with pytest.raises(InputError, match="'eosinophil' has 4 distinct images, 1 for training"):
        split_cells(replace(make_cells(30), labels=labels, source_split=own))


def test_the_split_counts_its_images_and_keeps_none_twice() -> None:
    cells = with_copies(make_cells(80), {8: 0, 16: 0})
    split = split_cells(cells)
    table = split.counts(cells.labels)
    assert table.loc["all"].sum() == len(cells)
    assert table.loc["basophil"].tolist() == [np.sum(split.parts[cells.labels == 0] == part) for part in table]
    assert table.loc["all", "dropped"] == 2
    kept = split.indices("train", "validation", "test")
    assert len(set(split.pixel_sha256[kept])) == len(kept) == len(cells) - 2
    assert split.count_copies(np.concatenate([cells.images[:3], 255 - cells.images[:4]])) == 3


def test_a_sample_keeps_every_class() -> None:
    cells = make_cells(1600)
    sample = take_sample(cells, 160)
    assert np.bincount(sample.labels).tolist() == [20] * 8
    assert "160 of 1,600" in sample.notes[-1]


def test_a_sample_holds_no_image_that_tests_on_the_whole() -> None:
    cells = make_cells(1600)
    split = split_cells(cells)
    kept_for_the_test = split.pixel_sha256[split.indices("test")]
    assert not np.isin(hash_pixels(take_sample(cells, 160).images), kept_for_the_test).any()
