"""Removes exact copies and splits the cells into training, validation and test images that share none."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from helpers.cache_keys import key_of
from helpers.data.cells import Cells, content_sha256
from helpers.data.constants import CLASS_NAMES, SPLIT_NAMES
from helpers.errors import refused
from helpers.notation import counted

SEED = 0  # the order of the images follows from this and from their pixels
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
FEWEST_PER_CLASS = 4
"""Distinct images that a class needs: one each for validation and test, two for training, so that folds have it."""

DROPPED = "dropped"


@dataclass(frozen=True)
class Part:
    """Images (N, 48, 48, 3) uint8 and labels (N,) uint8 of one split."""

    images: np.ndarray
    labels: np.ndarray

    @cached_property
    def sha256(self) -> str:
        """Identity of these images and labels, in this order."""
        return content_sha256(self.images, self.labels)


@dataclass(frozen=True)
class Split:
    """Which split each image belongs to."""

    parts: np.ndarray  # (N,) "train", "validation", "test" or "dropped" (copies, and all of a conflict)
    pixel_sha256: np.ndarray  # (N,) hexadecimal, of each image's pixels
    origin: str  # how the split was made, in words
    leaked_copies: int = 0  # dropped because the source has a copy of them in a split used later

    @property
    def sha256(self) -> str:
        """Identity of the split, whatever the order of the images."""
        pairs = sorted(zip(self.pixel_sha256.tolist(), self.parts.tolist(), strict=True))
        return hashlib.sha256(repr(pairs).encode()).hexdigest()

    def indices(self, *parts: str) -> np.ndarray:
        """Return the positions of the images in the given splits as (M,) int64, in the order of the pixels’ hashes."""
        order = np.argsort(self.pixel_sha256, kind="stable")
        return order[np.isin(self.parts[order], parts)]

    def counts(self, labels: np.ndarray) -> pd.DataFrame:
        """Return the number of images per class (rows, then all) and split (columns, then dropped)."""
        parts, classes = (*SPLIT_NAMES, DROPPED), len(CLASS_NAMES)
        counts = {part: np.bincount(labels[self.indices(part)], minlength=classes) for part in parts}
        table = pd.DataFrame(counts, index=pd.Index(CLASS_NAMES, name="class"))
        table.loc["all"] = table.sum()
        return table

    def count_copies(self, images: np.ndarray) -> int:
        """Return how many of other ``images`` are exact copies of one of these, in any split."""
        return int(np.isin(hash_pixels(images), self.pixel_sha256).sum())


def hash_pixels(images: np.ndarray) -> np.ndarray:
    """Return the hexadecimal SHA-256 of each image's pixels as an (N,) array of strings."""
    return np.array([hashlib.sha256(image.data).hexdigest() for image in np.ascontiguousarray(images)], dtype="<U64")


def find_copies(pixel_sha256: np.ndarray) -> list[np.ndarray]:
    """Return the groups of two or more positions whose pixels are equal, each group ascending."""
    groups = pd.Series(np.arange(len(pixel_sha256))).groupby(pixel_sha256, sort=False)
    return [members.to_numpy() for _, members in groups if len(members) > 1]


def _hash_order(pixel_sha256: np.ndarray) -> np.ndarray:
    """Return a random order that depends on the pixels only, never on the order in the file."""
    return np.argsort([key_of(SEED, pixels) for pixels in pixel_sha256.tolist()])


def split_cells(cells: Cells) -> Split:
    """Return a split of 70/10/20 %, stratified by class, in which no image has a copy in another split.

    One image of each group of exact copies is kept, and none where their labels differ. A split that comes with the
    source is kept, without training images that are copies of validation or test images. Where it has no validation
    images, an eighth of the training images of each class become validation images. Images are ordered by a hash of
    seed and pixels, so the same images give the same split in any order.

    Raises InputError where the cells have no labels, or fewer than two classes, or a class has fewer than four
    distinct images or a single training image.
    """
    labels, source = cells.labels, cells.source_split
    if labels is None:
        raise refused(cells.source, "no labels found, expected one per image for training")
    pixel_sha256 = hash_pixels(cells.images)
    keeps_source = source is not None and {"train", "test"} <= set(source.tolist())
    parts = np.array(source if keeps_source else ["train"] * len(cells), dtype="<U10")
    has_validation = "validation" in parts
    leaked = 0
    for group in find_copies(pixel_sha256):
        most_guarded = max(group, key=lambda i: SPLIT_NAMES.index(parts[i]))
        conflict = len(np.unique(labels[group])) > 1
        leaked += 0 if conflict else int(np.sum(parts[group] != parts[most_guarded]))
        parts[group if conflict else group[group != most_guarded]] = DROPPED

    order = _hash_order(pixel_sha256)
    for label in np.unique(labels):
        members = order[(labels[order] == label) & (parts[order] != DROPPED)]
        if not keeps_source:
            parts[members[: max(1, round(TEST_SHARE * len(members)))]] = "test"
        if not has_validation:
            rest = members[parts[members] == "train"]
            count = max(1, round(VALIDATION_SHARE / (1 - TEST_SHARE) * len(rest)))
            parts[rest[: min(count, max(0, len(rest) - 2))]] = "validation"
    origin = "the data’s own" if keeps_source else f"ours, 70/10/20 % of each class (seed {SEED})"
    if keeps_source and not has_validation:
        origin += ", with an eighth of the training images of each class for validation"
    split = Split(parts, pixel_sha256, origin, leaked)
    _require_enough(split.counts(labels).drop("all"), cells.source)
    return split


def _require_enough(counts: pd.DataFrame, source: str) -> None:
    """Raise InputError where a class or a split has too few images; ``counts`` are those of `Split.counts`."""
    used = counts[[*SPLIT_NAMES]]
    for name, row in used[counts.any(axis=1)].iterrows():
        if row.sum() < FEWEST_PER_CLASS or row["train"] == 1:
            found = f"class {name!r} has {counted(row.sum(), 'distinct image')}, {row['train']} for training"
            raise refused(source, f"{found}, expected at least {FEWEST_PER_CLASS} and none or 2 for training")
    for name, classes in used.astype(bool).sum().items():
        if classes < (2 if name == "train" else 1):
            found = f"{counted(classes, 'class', 'classes')} among the {name} images"
            raise refused(source, f"{found}, expected at least two for training and one in every split")


def take_sample(cells: Cells, count: int) -> Cells:
    """Return about ``count`` images with the same class frequencies, and at least 12 of each class.

    They come from the end of the order in which `split_cells` splits a class, so a trial on a sample uses none of the
    test images of the whole.
    """
    if cells.labels is None or len(cells) <= count:
        return cells
    order = _hash_order(hash_pixels(cells.images))
    classes = [order[cells.labels[order] == label] for label in np.unique(cells.labels)]
    chosen = [members[-max(12, round(count * len(members) / len(cells))) :] for members in classes]
    sample = cells.take(np.sort(np.concatenate(chosen)))
    return replace(sample, notes=(*cells.notes, f"We use a sample of {len(sample):,} of {len(cells):,} images."))
