"""Reads cells from an .npz file with any keys and layout.

Nothing is ever unpickled. Each array is unpacked into a temporary file that NumPy maps, so that memory need not hold
more than the images being converted.
"""

import re
import shutil
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.data.cells import Cells
from helpers.data.constants import SIDE, SPLIT_NAMES
from helpers.data.conversions import as_rgb, as_uint8, is_usable_size, to_side, value_scale
from helpers.data.labels import as_values
from helpers.data.parts import SPLIT_WORDS, FoundPart, Reading, join
from helpers.errors import refused, refusing

MOST_BYTES = 8 * 2**30  # in all arrays of a file
LARGEST_COUNT = 500_000  # images in one file
LABEL_BYTES = 800  # for each image: 100 classes as float64, or a name of 200 letters
BLOCK_VALUES = 2**20  # converted at a time

IMAGE_KEYS = {"", "image", "images", "img", "imgs", "x", "data", "pixels"}
LABEL_KEYS = {"", "label", "labels", "y", "target", "targets", "class", "classes", "name", "names"}
NAME_KEYS = {"class_names", "label_names", "target_names", "classes", "names", "categories"}


@dataclass(frozen=True, eq=False)
class StoredArray:
    """One array of the file; its values are read when they are used."""

    key: str
    values: np.ndarray

    @property
    def split_and_stem(self) -> tuple[str, str]:
        """The split that a key like ``train_images`` or ``trainX`` names (else ""), and the rest of the key."""
        words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.key).casefold())
        splits = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
        return splits[0] if len(splits) == 1 else "", "_".join(w for w in words if w not in SPLIT_WORDS)

    def __str__(self) -> str:
        is_object = self.values.dtype.hasobject
        form = "of Python objects, never unpickled" if is_object else f"{self.values.dtype} {self.values.shape}"
        return f"'{self.key}' {form}"


def map_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> StoredArray:
    """Return the array in an .npy entry, unpacked only if the entry can hold what its header declares; InputError."""
    key = entry.filename.removesuffix(".npy")
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found = f"'{key}' is encrypted or compressed by method {entry.compress_type}"
        raise refused(path, f"{found}, expected an array written by numpy.savez")
    if entry.file_size > 1040 * path.stat().st_size:  # deflate compresses at most 1032-fold
        raise refused(path, f"'{key}' claims {entry.file_size:,} bytes, which the file does not hold")
    with archive.open(entry) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's parser warns of damaged headers before it fails
        version = np.lib.format.read_magic(packed)
        read_header = getattr(np.lib.format, "read_array_header_{}_{}".format(*version), None)
        if read_header is None:
            raise refused(path, f"'{key}' has .npy version {version}, expected (1, 0) or (2, 0)")
        shape, _, dtype = read_header(packed)
        held, declared = entry.file_size - packed.tell(), prod(shape) * dtype.itemsize
    if dtype.hasobject:
        return StoredArray(key, np.empty(0, object))  # perhaps nobody needs it
    if declared != held or min(shape, default=0) < 0:
        raise refused(path, f"'{key}' declares {declared:,} bytes, which the file does not hold")
    with TemporaryDirectory() as folder:  # the map outlives the file's name
        unpacked = Path(folder, "array.npy")
        with archive.open(entry) as packed, unpacked.open("wb") as stream:
            shutil.copyfileobj(packed, stream)
        return StoredArray(key, np.asarray(np.lib.format.open_memmap(unpacked, mode="r")))


def choose_array(arrays: list[StoredArray], usual_keys: set[str], what: str, path: Path) -> StoredArray:
    """Return the only array, or the only one with a usual key; raise InputError otherwise."""
    meant = [array for array in arrays if len(arrays) == 1 or array.split_and_stem[1] in usual_keys]
    if len(meant) != 1:
        found = ", ".join(map(str, arrays))
        raise refused(path, f"{len(arrays)} arrays could be the {what} ({found}), expected one")
    return meant[0]


def convert_part(split: str, arrays: list[StoredArray], path: Path, crop: str) -> FoundPart:
    """Return the images and labels among ``arrays``, converted; raise InputError."""
    pictures = [array for array in arrays if array.values.ndim in (3, 4)]
    others = [array for array in arrays if array.values.ndim in (1, 2)]
    found, notes = choose_array(pictures, IMAGE_KEYS, "images", path), list[str]()
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
        expected = f"expected numbers of shape (N, {SIDE}, {SIDE}, 3) or other nearly square images"
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
    fitting = [array for array in others if len(array.values) == count]
    labels = choose_array(fitting or others, LABEL_KEYS, "labels", path) if others else None
    if labels and (len(labels.values) != count or labels.values.nbytes > LABEL_BYTES * count):
        expected = "expected numbers or text (labels.astype(str)) as (N,), (N, 1) or one-hot (N, classes)"
        raise refused(path, f"{count} images in {found}, but the labels are {labels}, {expected}")
    stored = as_values(labels.values, path, labels.key) if labels else None
    return FoundPart(split, images, np.full((count, 2), size), stored, notes)


def names_classes(array: StoredArray, counts: set[int]) -> bool:
    """Return whether an array holds the names of the classes, and not one for each of so many images."""
    is_list = array.values.dtype.kind in "US" and array.values.ndim == 1
    return array.key.casefold() in NAME_KEYS and is_list and len(array.values) not in counts


def read_archive(path: Path, reading: Reading) -> Cells:
    """Return the cells in an .npz file; raise InputError with one line where it cannot be used."""
    with refusing(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if not 0 < len(entries) <= 1000:
            raise refused(path, f"holds {len(entries)} arrays, expected one of images and one of labels")
        if len({entry.filename for entry in entries}) < len(entries):
            raise refused(path, "holds two arrays of the same key, expected different keys")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise refused(path, f"holds more than {MOST_BYTES:,} bytes, expected at most that many")
        arrays = [map_array(archive, entry, path) for entry in entries]
        pictures = [array for array in arrays if array.values.ndim in (3, 4)]
        lists = [array for array in arrays if names_classes(array, {len(each.values) for each in pictures})]
        stored_names = as_values(lists[0].values, path, lists[0].key).tolist() if lists else ()
        arrays = [array for array in arrays if array not in lists]
        splits = {array.split_and_stem[0] for array in pictures}
        found = ", ".join(map(str, arrays))
        if not splits:
            raise refused(path, f"no array of images among {found}, expected one (N, {SIDE}, {SIDE}, 3)")
        if len(splits) > 1 and "" in splits:
            expected = "expected a split in the key of all arrays of images or of none"
            raise refused(path, f"holds {found}, {expected}")
        if sum(len(array.values) for array in pictures) > LARGEST_COUNT:
            raise refused(path, f"holds more than {LARGEST_COUNT:,} images, expected at most that many")
        # where one split is named, any label array belongs to its images, whichever split its key names
        parts = []
        for split in ("", *SPLIT_NAMES):
            chosen = [a for a in arrays if len(splits) == 1 or a.split_and_stem[0] == split]
            parts += [convert_part(split, chosen, path, reading.crop)] if split in splits else []
        return join(parts, path.name, path, reading, stored_names)
