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
from itertools import chain
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.data import conversions
from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES, SIDE, SPLIT_NAMES
from helpers.data.conversions import as_labels, as_rgb, as_uint8, geometry_notes, is_usable_size, to_side
from helpers.errors import printable, refused, refusing

MOST_BYTES = 8 * 2**30  # in all arrays of a file
LARGEST_COUNT = 500_000  # images in one file
BLOCK_VALUES = 2**20  # converted at a time

IMAGE_KEYS = {"", "image", "images", "img", "imgs", "x", "data", "pixels"}
LABEL_KEYS = {"", "label", "labels", "y", "target", "targets", "class", "classes"}
SPLIT_WORDS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "validation", "valid": "validation", "validation": "validation"},
}


@dataclass(frozen=True)
class StoredArray:
    """One array of the file; its values are read when they are used."""

    key: str
    values: np.ndarray

    @property
    def split_and_stem(self) -> tuple[str, str]:
        """The split that a key like ``train_images`` names (else ""), and the rest of the key."""
        words = re.findall(r"[^\W_]+", self.key.casefold())
        splits = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
        return splits[0] if len(splits) == 1 else "", "_".join(w for w in words if w not in SPLIT_WORDS)

    def __str__(self) -> str:
        return f"'{self.key}' {self.values.dtype} {self.values.shape}"


@dataclass(frozen=True)
class StoredPart:
    """Images and labels that belong together: those of the whole file, or of one split."""

    images: StoredArray
    labels: StoredArray | None
    values: np.ndarray
    """The images as (N, H, W, C), whatever their order in the file."""
    notes: list[str]

    def converted(self, factor: float, offset: float) -> Iterator[np.ndarray]:
        """Yield the images one by one as (48, 48, 3) uint8, scaled by ``factor`` and ``offset``."""
        step = max(1, BLOCK_VALUES // prod(self.values.shape[1:]))
        for start in range(0, len(self.values), step):
            block = as_uint8(self.values[start : start + step], factor, offset)
            yield from map(to_side, as_rgb(block))


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
        raise refused(path, f"'{key}' holds Python objects, which are never unpickled, expected numbers")
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


def find_part(arrays: list[StoredArray], path: Path) -> StoredPart:
    """Return which arrays are the images and the labels, and how the images are stored; raise InputError."""
    candidates = [array for array in arrays if array.values.ndim in (3, 4)]
    images = choose_array(candidates, IMAGE_KEYS, "images", path)
    values = images.values
    is_single = values.ndim == 3 and values.shape[2] in (3, 4) and is_usable_size(*values.shape[:2])
    if values.ndim == 3:
        values = values[None] if is_single else values[..., None]
    channels_first = values.shape[3] not in (1, 3, 4)
    if channels_first:
        values = np.moveaxis(values, 1, -1)
    count, *size, channels = values.shape
    if count == 0:
        raise refused(path, f"{images} holds no images, expected at least one")
    if values.dtype.kind not in "uif" or channels not in (1, 3, 4) or not is_usable_size(*size):
        expected = f"expected numbers of shape (N, {SIDE}, {SIDE}, 3) or other nearly square images"
        raise refused(path, f"{images} is not an array of cell images, {expected}")

    others = [array for array in arrays if array.values.ndim in (1, 2)]
    fitting = [array for array in others if len(array.values) == count] or others
    labels = choose_array(fitting, LABEL_KEYS, "labels", path) if fitting else None
    shapes = {(count,), (count, 1), (count, len(CLASS_NAMES))}  # and no name is longer than 512 bytes
    if labels and (labels.values.shape not in shapes or labels.values.dtype.itemsize > 512):
        found = f"{count} images in {images}, but the labels are {labels}"
        raise refused(path, f"{found}, expected numbers or names as (N,), (N, 1) or one-hot (N, 8)")
    remarks = {
        "The file holds a single image.": is_single,
        "We moved the channels after height and width.": channels_first,
        "Images are grey, so red, green and blue are equal.": channels == 1,
        "We put images with an alpha channel on white.": channels == 4,
    }
    return StoredPart(images, labels, values, [note for note, applies in remarks.items() if applies])


def find_parts(arrays: list[StoredArray], path: Path) -> list[StoredPart]:
    """Return one part for the whole file, or one per split in the order train, validation, test."""
    found = ", ".join(map(str, arrays))
    splits = {array.split_and_stem[0] for array in arrays if array.values.ndim in (3, 4)}
    if not splits:
        raise refused(path, f"no array of images among {found}, expected one (N, {SIDE}, {SIDE}, 3)")
    if len(splits) == 1:  # then any label array belongs to these images, whichever split its key names
        parts = [find_part(arrays, path)]
    elif "" in splits:
        raise refused(path, f"holds {found}, expected a split in the key of all arrays of images or of none")
    else:
        named = [split for split in SPLIT_NAMES if split in splits]
        parts = [find_part([a for a in arrays if a.split_and_stem[0] == split], path) for split in named]
    if len({(part.values.shape[1:], part.values.dtype, part.labels is None) for part in parts}) > 1:
        raise refused(path, f"splits differ in shape, type or presence of labels, expected the same: {found}")
    if sum(len(part.values) for part in parts) > LARGEST_COUNT:
        raise refused(path, f"holds more than {LARGEST_COUNT:,} images, expected at most that many")
    return parts


def read_archive(path: Path) -> Cells:
    """Return the cells in an .npz file; raise InputError with one line where it cannot be used."""
    with refusing(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if not 0 < len(entries) <= 1000:
            raise refused(path, f"holds {len(entries)} arrays, expected one of images and one of labels")
        if len({entry.filename for entry in entries}) < len(entries):
            raise refused(path, "holds two arrays of the same key, expected different keys")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise refused(path, f"holds more than {MOST_BYTES:,} bytes, expected at most that many")
        parts = find_parts([map_array(archive, entry, path) for entry in entries], path)
        factor, offset, scale_note = conversions.value_scale(
            [part.values for part in parts], parts[0].images, path
        )
        labels = [as_labels(part.labels.values, path, part.labels.key) for part in parts if part.labels]
        counts = [len(part.values) for part in parts]
        converted = chain.from_iterable(part.converted(factor, offset) for part in parts)
        images = np.fromiter(converted, np.dtype((np.uint8, (SIDE, SIDE, 3))), sum(counts))

    size = parts[0].values.shape[1:3]
    sizes = np.full((len(images), 2), size)
    notes = [*parts[0].notes, scale_note, *(note for _, note in labels), *geometry_notes(sizes)]
    splits = [part.images.split_and_stem[0] for part in parts]
    is_split = {"train", "test"} <= set(splits)
    if any(splits):
        named = ", ".join(f"{count:,} {split}" for count, split in zip(counts, splits, strict=True))
        unused = "" if is_split else " We split them again, because training or test images are missing."
        notes.append(f"The file comes with splits ({named} images).{unused}")
    return Cells(
        images=images,
        labels=np.concatenate([values for values, _ in labels]) if labels else None,
        source=printable(path.name),
        notes=tuple(dict.fromkeys(printable(note) for note in notes if note)),
        source_split=np.repeat(splits, counts) if is_split else None,
        original_sizes=None if size == (SIDE, SIDE) else sizes,
    )
