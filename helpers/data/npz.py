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
from helpers.data.labels import NUMBER, as_values, class_index, classes_named
from helpers.data.parts import SPLIT_WORDS, FoundPart, Reading, join
from helpers.errors import refused, refusing

MOST_BYTES = 8 * 2**30  # in all arrays of a file
LARGEST_COUNT = 500_000  # images in one file
LABEL_BYTES = 800  # for each image: 100 classes as float64, or a name of 200 letters
BLOCK_VALUES = 2**20  # converted at a time

IMAGE_KEYS = {"", "image", "images", "img", "imgs", "x", "data", "pixels"}
LABEL_KEYS = {"", "label", "labels", "y", "target", "targets", "class", "classes", "name", "names"}
NAME_KEYS = {"class_names", "label_names", "target_names", "class_name", "label_name", "classes", "names", "categories"}


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
        return StoredArray(key, np.broadcast_to(np.empty(1, object), shape[:1] or 1))  # perhaps nobody needs it
    if declared != held or min(shape, default=0) < 0:
        raise refused(path, f"'{key}' declares {declared:,} bytes, which the file does not hold")
    with TemporaryDirectory() as folder:  # the map outlives the file's name
        unpacked = Path(folder, "array.npy")
        with archive.open(entry) as packed, unpacked.open("wb") as stream:
            shutil.copyfileobj(packed, stream)
        return StoredArray(key, np.atleast_1d(np.lib.format.open_memmap(unpacked, mode="r")))


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
    labels, doubts = choose_labels(others, count, path)
    notes += [f"The labels come from “{labels.key}”."] if labels and len(others) > 1 else []
    stored = as_values(labels.values, path, labels.key) if labels else None
    return FoundPart(split, images, np.full((count, 2), size), stored, notes, warnings=doubts)


def choose_labels(arrays: list[StoredArray], count: int, path: Path) -> tuple[StoredArray | None, list[str]]:
    """Return the array that says what each of so many images is, if any, and warnings of doubts; raise InputError.

    It is the one whose words all name classes, else the one with a usual key, else the only one.
    """
    fitting = [a for a in arrays if len(a.values) == count and a.values.nbytes <= LABEL_BYTES * count]
    fitting = [array for array in fitting if not array.values.dtype.hasobject]
    named = {array.key: classes_named(array.values) for array in fitting}
    words = [array for array in fitting if named[array.key] and None not in named[array.key]]
    usual = [array for array in arrays if array.split_and_stem[1] in LABEL_KEYS]
    numbers = [array for array in usual if array in fitting and not named[array.key]]
    if words:
        chosen = choose_array(words, LABEL_KEYS | NAME_KEYS, "labels", path)
        said = as_values(chosen.values, path, chosen.key).tolist()
        for other in numbers:
            values = as_values(other.values, path, other.key).tolist()
            is_ambiguous = len(set(said)) == count > 1  # a name for each image, or for each class
            if is_ambiguous or len({*zip(values, map(class_index, said), strict=True)}) > len(set(values)):
                raise refused(path, f"{chosen} and {other} could be the labels, and do not go together; remove one")
        return chosen, []
    if not usual and all(named[array.key] == {None} for array in fitting):
        return None, [f"The images have no labels, because “{'”, “'.join(named)}” names no class."] if named else []
    chosen = choose_array(numbers or usual or fitting, LABEL_KEYS, "labels", path)
    if chosen not in fitting:
        expected = "expected numbers or text (labels.astype(str)) as (N,), (N, 1) or one-hot (N, classes)"
        raise refused(path, f"holds {count} images, but the labels are {chosen}, {expected}")
    stem = chosen.split_and_stem[1]
    is_plain = LABEL_KEYS & set(stem.split("_")) or re.fullmatch(r"arr_\d+|[a-z]", stem)
    assumed = f"We took “{chosen.key}” for the labels. Call it “labels” if that is right, or else remove it."
    return chosen, [] if is_plain else [assumed]


def class_names_in(array: StoredArray, counts: set[int]) -> list[str]:
    """Return the names of the classes, counted from 0, if an array holds them, and not one for each of the images.

    They are a list, rows or one text, with or without a number for each. ``counts`` are the numbers of images.
    """
    if array.values.dtype.kind not in "US" or counts & {len(array.values), array.values.size}:
        return []
    words = as_values(array.values[: LABEL_BYTES * 8].ravel(), Path(), array.key).tolist()
    words = re.findall(r"[^\W_][^]\[{}\"':;,|\n]*", words[0]) if len(words) == 1 else words
    numbers = [int(float(word)) for word in words if re.fullmatch(NUMBER, word)]
    names = [word.strip() for word in words if not re.fullmatch(NUMBER, word)]
    if len(numbers) == len(names):
        name_of = dict(zip(numbers, names, strict=True))
        names = [name_of.get(number, "") for number in range(max(numbers, default=-1) + 1)]
    given = [name for name in names if name]
    are_classes = 1 < len(given) == len({*given}) and None not in map(class_index, given)
    return names if are_classes or array.split_and_stem[1] in NAME_KEYS else []


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
        arrays = [map_array(archive, entry, path) for entry in entries]
        pictures = [array for array in arrays if array.values.ndim in (3, 4)]
        counts = {len(array.values) for array in pictures}
        lists = {array.key: names for array in arrays if (names := class_names_in(array, counts))}
        if len({*map(tuple, lists.values())}) > 1:
            raise refused(path, f"holds different names of classes in {', '.join(lists)}, expected one list")
        arrays, stored_names = [array for array in arrays if array.key not in lists], next(iter(lists.values()), [])
        splits = {array.split_and_stem[0] for array in pictures}
        found = ", ".join(map(str, arrays))
        if not splits:
            raise refused(path, f"no array of images among {found}, expected one (N, {SIDE}, {SIDE}, 3)")
        loose = [array for array in arrays if array in pictures or array.split_and_stem[1] in LABEL_KEYS]
        if len(splits) > 1 and any(not array.split_and_stem[0] for array in loose):
            expected = "expected a split in the key of all arrays of images or of none, and of their labels"
            raise refused(path, f"holds {found}, {expected}")
        if sum(len(array.values) for array in pictures) > LARGEST_COUNT:
            raise refused(path, f"holds more than {LARGEST_COUNT:,} images, expected at most that many")
        # where one split is named, any label array belongs to its images, whichever split its key names
        parts = []
        for split in ("", *SPLIT_NAMES):
            chosen = [a for a in arrays if len(splits) == 1 or a.split_and_stem[0] == split]
            parts += [convert_part(split, chosen, path, reading.crop)] if split in splits else []
        cells = join(parts, path.name, path, reading, stored_names)
        unread = ", ".join(str(a) for a in arrays if a.values.dtype.hasobject and len(a.values) not in counts)
        are_numbers = any(part.labels is not None and not classes_named(part.labels) for part in parts)
        if unread and are_numbers and not (stored_names or reading.classes):
            found = f"We did not read {unread}. If it names the classes, save it as text, or give --classes."
            return replace(cells, warnings=(*cells.warnings, found))
        return cells
