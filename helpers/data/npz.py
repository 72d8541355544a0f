"""Reads cells from an .npz file with any keys and layout, and converts its pixels block by block.

Nothing is ever unpickled. NumPy reads the headers, and each is compared with the zip before memory is reserved.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path

import numpy as np

from helpers.data import conversions
from helpers.data.cells import CLASS_NAMES, SIDE, SPLIT_NAMES, Cells
from helpers.data.labels import as_labels
from helpers.errors import printable, refused, refusing

LARGEST_ARRAY = 8 * 2**30  # bytes
LARGEST_COUNT = 500_000  # images in one file
BLOCK_VALUES = 2**20  # read and converted at a time

IMAGE_KEYS = {"", "image", "images", "img", "imgs", "x", "data", "pixels"}
LABEL_KEYS = {"", "label", "labels", "y", "target", "targets", "class", "classes"}
SPLIT_WORDS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "validation", "valid": "validation", "validation": "validation"},
}


@dataclass(frozen=True)
class StoredArray:
    """One array of the file, as described by its header."""

    key: str
    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype

    @property
    def split_and_stem(self) -> tuple[str, str]:
        """The split that a key like ``train_images`` names (else ""), and the rest of the key."""
        words = re.findall(r"[^\W_]+", self.key.casefold())
        splits = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
        return splits[0] if len(splits) == 1 else "", "_".join(w for w in words if w not in SPLIT_WORDS)

    def __str__(self) -> str:
        return f"'{self.key}' {self.dtype} {self.shape}"

    def blocks(self, values: int) -> Iterator[np.ndarray]:
        """Yield the array's values in file order, as 1-D pieces of at most ``values``."""
        size, bytes_each = prod(self.shape), self.dtype.itemsize
        with self.archive.open(self.entry) as stream:
            stream.read(self.entry.file_size - size * bytes_each)  # the header
            for start in range(0, size, values):
                count = min(values, size - start)
                yield np.frombuffer(stream.read(count * bytes_each), self.dtype, count)


@dataclass(frozen=True)
class StoredPart:
    """Images and labels that belong together: those of the whole file, or of one split."""

    images: StoredArray
    labels: StoredArray | None
    shape: tuple[int, ...]
    """(N, H, W, C), or (N, C, H, W) where ``channels_first``."""
    channels_first: bool

    def blocks(self, factor: float, offset: float) -> Iterator[np.ndarray]:
        """Yield the images as (n, H, W, 3) uint8, scaled by ``factor`` and ``offset``."""
        step = max(1, BLOCK_VALUES // prod(self.shape[1:])) * prod(self.shape[1:])
        scaled = (conversions.as_uint8(block, factor, offset) for block in self.images.blocks(step))
        pieces: Iterator[np.ndarray] = scaled
        if self.images.fortran_order:  # the values of each image are spread over the whole file
            flat = np.empty(prod(self.shape), np.uint8)
            for start, piece in zip(range(0, len(flat), step), pieces, strict=True):
                flat[start : start + step] = piece
            pieces = iter(flat.reshape(self.images.shape, order="F").reshape(self.shape))
        for piece in pieces:
            images = piece.reshape(-1, *self.shape[1:])
            yield conversions.as_rgb(np.moveaxis(images, 1, -1) if self.channels_first else images)

    def notes(self) -> list[str]:
        """Return a sentence per way in which the images are not stored as (N, H, W, 3)."""
        channels = self.shape[1 if self.channels_first else 3]
        oddities = {
            "The file holds a single image.": len(self.images.shape) == 3 and channels > 1,
            "We moved the channels after height and width.": self.channels_first,
            "Images are grey, so red, green and blue are equal.": channels == 1,
            "We put images with an alpha channel on white.": channels == 4,
        }
        return [note for note, applies in oddities.items() if applies]


def open_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> StoredArray:
    """Return the array that an .npy entry's header describes; raise InputError unless the file holds exactly that."""
    key = entry.filename.removesuffix(".npy")
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found = f"'{key}' is encrypted or compressed by method {entry.compress_type}"
        raise refused(path, f"{found}, expected an array written by numpy.savez")
    # Deflate compresses at most 1032-fold, so a larger claim cannot be true.
    if entry.file_size > min(LARGEST_ARRAY, 1040 * path.stat().st_size):
        found = f"'{key}' claims {entry.file_size:,} bytes, which the file does not hold"
        raise refused(path, f"{found} or which are more than {LARGEST_ARRAY:,}")
    with archive.open(entry) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's parser warns of damaged headers before it fails
        version = np.lib.format.read_magic(stream)
        read_header = getattr(np.lib.format, "read_array_header_{}_{}".format(*version), None)
        if read_header is None:
            raise refused(path, f"'{key}' has .npy version {version}, expected (1, 0) or (2, 0)")
        array = StoredArray(key, archive, entry, *read_header(stream))
        held = entry.file_size - stream.tell()
    if array.dtype.hasobject:
        raise refused(path, f"{array} holds Python objects, which are never unpickled, expected numbers")
    declared = prod(array.shape) * array.dtype.itemsize
    if declared != held or min(array.shape, default=0) < 0:
        raise refused(path, f"{array} declares {declared:,} bytes, which the file does not hold")
    return array


def choose_array(arrays: list[StoredArray], usual_keys: set[str], what: str, path: Path) -> StoredArray:
    """Return the only array, or the only one with a usual key; raise InputError otherwise."""
    meant = [array for array in arrays if len(arrays) == 1 or array.split_and_stem[1] in usual_keys]
    if len(meant) != 1:
        found = ", ".join(map(str, arrays))
        raise refused(path, f"{len(arrays)} arrays could be the {what} ({found}), expected one")
    return meant[0]


def find_part(arrays: list[StoredArray], path: Path) -> StoredPart:
    """Return which arrays are the images and the labels, and how the images are stored; raise InputError."""
    images = choose_array(
        [array for array in arrays if len(array.shape) in (3, 4)], IMAGE_KEYS, "images", path
    )
    shape = images.shape
    if len(shape) == 3:
        is_one_image = shape[2] in (3, 4) and conversions.is_usable_size(*shape[:2])
        shape = (1, *shape) if is_one_image else (*shape, 1)
    channels_first = shape[3] not in (1, 3, 4)
    count, *size = shape
    channels = size.pop(0 if channels_first else 2)
    if count == 0:
        raise refused(path, f"{images} holds no images, expected at least one")
    if images.dtype.kind not in "uif" or channels not in (1, 3, 4) or not conversions.is_usable_size(*size):
        expected = f"expected numbers of shape (N, {SIDE}, {SIDE}, 3) or other nearly square images"
        raise refused(path, f"{images} is not an array of cell images, {expected}")

    others = [array for array in arrays if len(array.shape) in (1, 2)]
    fitting = [array for array in others if array.shape[0] == count] or others
    labels = choose_array(fitting, LABEL_KEYS, "labels", path) if fitting else None
    shapes = {(count,), (count, 1), (count, len(CLASS_NAMES))}
    if labels and (labels.shape not in shapes or labels.dtype.itemsize > 512):  # no name is that long
        found = f"{count} images in {images}, but the labels are {labels}"
        raise refused(path, f"{found}, expected numbers or names as (N,), (N, 1) or one-hot (N, 8)")
    return StoredPart(images, labels, shape, channels_first)


def find_parts(arrays: list[StoredArray], path: Path) -> list[StoredPart]:
    """Return one part for the whole file, or one per split in the order train, validation, test."""
    found = ", ".join(map(str, arrays))
    splits = {array.split_and_stem[0] for array in arrays if len(array.shape) in (3, 4)}
    if not splits:
        raise refused(path, f"no array of images among {found}, expected one (N, {SIDE}, {SIDE}, 3)")
    if len(splits) == 1:  # then any label array belongs to these images, whichever split its key names
        parts = [find_part(arrays, path)]
    elif "" in splits:
        raise refused(path, f"holds {found}, expected a split in the key of all arrays of images or of none")
    else:
        named = [split for split in SPLIT_NAMES if split in splits]
        parts = [find_part([a for a in arrays if a.split_and_stem[0] == split], path) for split in named]
    if len({(part.shape[1:], part.images.dtype, part.labels is None) for part in parts}) > 1:
        raise refused(
            path, f"its splits differ in shape, type or presence of labels, expected splits alike: {found}"
        )
    if sum(part.shape[0] for part in parts) > LARGEST_COUNT:
        raise refused(path, f"holds more than {LARGEST_COUNT:,} images, expected at most that many")
    return parts


def find_scale(parts: list[StoredPart], path: Path) -> tuple[float, float, str]:
    """Return what converts the pixels of all parts to [0, 255] (see `value_scale`); raise InputError."""
    first, extremes = parts[0].images, [0, 255]
    if first.dtype != np.uint8:
        blocks = (block for part in parts for block in part.images.blocks(BLOCK_VALUES))
        extremes = [extreme for block in blocks for extreme in (block.min(), block.max())]
    low, high = float(np.min(extremes)), float(np.max(extremes))
    return conversions.value_scale(first, first.dtype, low, high, path)


def read_archive(path: Path) -> Cells:
    """Return the cells in an .npz file; raise InputError with one line where it cannot be used."""
    with refusing(path, "an .npz file"), np.load(path, allow_pickle=False) as file:
        entries = [entry for entry in file.zip.infolist() if entry.filename.endswith(".npy")]
        if not 0 < len(entries) <= 1000:
            raise refused(path, f"holds {len(entries)} arrays, expected one of images and one of labels")
        if len({entry.filename for entry in entries}) < len(entries):
            raise refused(path, "holds two arrays of the same key, expected different keys")
        parts = find_parts([open_array(file.zip, entry, path) for entry in entries], path)
        factor, offset, scale_note = find_scale(parts, path)
        stored = [part.labels for part in parts if part.labels]
        labels = [as_labels(file[array.entry.filename], path, array.key) for array in stored]
        counts = [part.shape[0] for part in parts]
        images = np.empty((sum(counts), SIDE, SIDE, 3), np.uint8)
        blocks = (block for part in parts for block in part.blocks(factor, offset))
        for index, image in enumerate(chain.from_iterable(blocks)):
            images[index] = conversions.to_side(image)

    size = parts[0].shape[2:] if parts[0].channels_first else parts[0].shape[1:3]
    sizes = np.full((len(images), 2), size)
    notes = [*parts[0].notes(), scale_note, *(note for _, note in labels), *conversions.geometry_notes(sizes)]
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
