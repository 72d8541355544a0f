"""Reads cells from an .npz file with any keys and layout.

Nothing is ever unpickled. Each array is unpacked into a temporary file that NumPy maps, so that memory need not hold
more than the images being converted.
"""

import re
import shutil
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.data.cells import Cells
from helpers.data.constants import SIDE, SPLIT_NAMES
from helpers.data.conversions import as_rgb, as_uint8, is_usable_size, to_side, value_scale
from helpers.data.labels import as_values, choose_labels, classes_in
from helpers.data.names import IMAGE_KEYS, LABEL_KEYS, NAME_KEYS, class_index, is_called, split_of
from helpers.data.parts import FoundPart, Reading, join
from helpers.errors import refused, refusing, some_of

MOST_BYTES = 8 * 2**30  # in all arrays of a file
LARGEST_COUNT = 500_000  # images in one file
LABEL_BYTES = 800  # for each image: 100 classes as float64, or a name of 200 letters
BLOCK_VALUES = 2**20  # converted at a time


@dataclass(frozen=True, eq=False)
class StoredArray:
    """One array of the file; its values are read when they are used."""

    key: str
    values: np.ndarray

    def __str__(self) -> str:
        is_object = self.values.dtype.hasobject
        form = "of Python objects, never unpickled" if is_object else f"{self.values.dtype} {self.values.shape}"
        return f"'{self.key}' {form}"


def map_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> StoredArray:
    """Return the array in an .npy entry; one of Python objects is empty, as it is not read."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():  # the map outlives the file's name
        warnings.simplefilter("ignore")  # Python's parser warns of damaged headers before it fails
        unpacked = Path(folder, "array.npy")
        with archive.open(entry) as packed, unpacked.open("wb") as stream:
            shutil.copyfileobj(packed, stream)
        try:
            values = np.atleast_1d(np.lib.format.open_memmap(unpacked, mode="r"))
        except ValueError as error:
            if "Python objects" not in str(error):
                raise
            values = np.empty(0, object)
    return StoredArray(entry.filename.removesuffix(".npy"), values)


def convert_part(split: str, arrays: list[StoredArray], path: Path, crop: str) -> FoundPart:
    """Return the images and labels among ``arrays``, converted; raise InputError."""
    pictures = [array for array in arrays if array.values.ndim in (3, 4)]
    others = [array for array in arrays if array.values.ndim in (1, 2)]
    meant = [array for array in pictures if len(pictures) == 1 or is_called(array.key, IMAGE_KEYS)]
    if len(meant) != 1:
        raise refused(path, f"{len(pictures)} arrays could be the images ({some_of(pictures)}), expected one")
    found, notes = meant[0], list[str]()
    values = found.values
    if values.ndim == 3:
        height, width, channels = values.shape
        is_single = channels in (3, 4) and is_usable_size(height, width)
        is_single |= height == 3 and all(len(array.values) != 3 for array in others)  # channels come first
        values = values[None] if is_single else values[..., None]
        notes += ["The file holds a single image."] if is_single else []
    if values.shape[3] not in (1, 3, 4):
        values = np.moveaxis(values, 1, -1)
        notes.append("We moved the channels after height and width.")
    count, *size, channels = values.shape
    if count == 0:
        raise refused(path, f"{found} holds no images, expected at least one")
    if values.dtype.kind not in "uif" or channels not in (1, 3, 4) or not is_usable_size(*size):
        expected = f"expected numbers (N, {SIDE}, {SIDE}, 3) or other nearly square images with sides of 16 to 4,096"
        raise refused(path, f"{found} is not an array of cell images, {expected}")
    notes += ["Images are grey, so red, green and blue are equal."] if channels == 1 else []
    notes += ["We put images with an alpha channel on white."] if channels == 4 else []
    factor, offset, scale = value_scale(values, found, path)
    notes += [f"We read {split or 'all'} pixels, {scale}."] if scale else []

    def converted() -> Iterator[np.ndarray]:
        step = max(1, BLOCK_VALUES // prod(values.shape[1:]))
        for start in range(0, count, step):
            block = as_rgb(as_uint8(values[start : start + step], factor, offset))
            yield from (to_side(image, crop) for image in block)

    images = np.fromiter(converted(), np.dtype((np.uint8, (SIDE, SIDE, 3))), count)
    labels, told, doubts = find_labels(others, count, path)
    return FoundPart(split, images, np.full((count, 2), size), labels, [*notes, *told], warnings=doubts)


def find_labels(arrays: list[StoredArray], count: int, path: Path) -> tuple[np.ndarray | None, list[str], list[str]]:
    """Return what each of so many images is as (count,) numbers or words, if known, notes and warnings; InputError."""
    fitting = {a.key: a.values for a in arrays if len(a.values) == count and a.values.nbytes <= LABEL_BYTES * count}
    if chosen := choose_labels(fitting, path):
        notes = [f"The labels come from “{chosen}”."] if len(arrays) > 1 else []
        return as_values(fitting[chosen], path, chosen), notes, []
    if usual := [array for array in arrays if is_called(array.key, LABEL_KEYS)]:
        expected = "expected numbers or text (labels.astype(str)) as (N,), (N, 1) or one-hot (N, classes)"
        raise refused(path, f"holds {count} images, but the labels are {usual[0]}, {expected}")
    found = f"The images have no labels, because {some_of(f'“{key}”' for key in fitting)} names no class. If one is for"
    return None, [], [f"{found} labels, call it “labels”."] if fitting else []


def find_names(arrays: list[StoredArray], counts: set[int], path: Path) -> dict[str, list[str]]:
    """Return the lists of names of classes by key, all equal; ``counts`` are the numbers of images. InputError."""
    lists = dict[str, list[str]]()
    for array in arrays:
        if array.values.dtype.kind in "US" and not counts & {len(array.values), array.values.size}:
            names = as_values(array.values[: LABEL_BYTES * 8].reshape(-1, 1), path, array.key).tolist()
            are_classes = 1 < len(names) == len({*names}) and None not in map(class_index, names)
            is_named = is_called(array.key, NAME_KEYS) and not is_called(array.key, LABEL_KEYS)
            lists |= {array.key: names} if are_classes or is_named else {}
    if len({*map(tuple, lists.values())}) > 1:
        raise refused(path, f"holds different names of classes in {', '.join(lists)}, expected one list")
    return lists


def read_archive(path: Path, reading: Reading) -> Cells:
    """Return the cells in an .npz file; raise InputError with one line where it cannot be used."""
    with refusing(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if re.fullmatch(r"(?!__MACOSX/).*\.npy", entry.filename)]
        if not 0 < len(entries) <= 1000:
            raise refused(path, f"holds {len(entries)} arrays, expected one of images and one of labels")
        if len({entry.filename for entry in entries}) < len(entries):
            raise refused(path, "holds two arrays of the same key, expected different keys")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise refused(path, f"holds more than {MOST_BYTES:,} bytes, expected at most that many")
        arrays = [map_array(archive, entry) for entry in entries]
        pictures = [array for array in arrays if array.values.ndim in (3, 4)]
        splits, counts = {split_of(array.key) for array in pictures}, {len(array.values) for array in pictures}
        found = some_of(arrays)
        if not splits:
            raise refused(path, f"no array of images among {found}, expected one (N, {SIDE}, {SIDE}, 3)")
        if sum(len(array.values) for array in pictures) > LARGEST_COUNT:
            raise refused(path, f"holds more than {LARGEST_COUNT:,} images, expected at most that many")
        names = find_names(arrays, counts, path)
        others = [array for array in arrays if array.key not in names]
        loose = [array for array in others if array in pictures or is_called(array.key, LABEL_KEYS)]
        if len(splits) > 1 and not all(split_of(array.key) for array in loose):
            expected = "expected a split in the key of all arrays of images or of none, and of their labels"
            raise refused(path, f"holds {found}, {expected}")
        # where one split is named, any label array belongs to its images, whichever split its key names
        parts = []
        for split in ("", *SPLIT_NAMES):
            chosen = [array for array in others if len(splits) == 1 or split_of(array.key) == split]
            parts += [convert_part(split, chosen, path, reading.crop)] if split in splits else []
        cells = join(parts, path.name, path, reading, next(iter(names.values()), ()))
        labels = [part.labels for part in parts if part.labels is not None]
        is_settled = any(classes_in(values) is not None for values in labels) or (labels and names) or reading.classes
        unread = [a for a in arrays if a.values.dtype.kind in "USO" and len(a.values) not in counts]
        if unread and not is_settled:
            found = f"We did not read {some_of(unread)}. If it names the classes, save it as a list of text, or give"
            return replace(cells, warnings=(*cells.warnings, f"{found} --classes."))
        return cells
