"""Reads cells from an .npz file with any keys and layout.

Nothing is ever unpickled. Each array is unpacked into a temporary file that NumPy maps, so that memory need not hold
more than the images being converted.
"""

import re
import shutil
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.lib import format as npy

from helpers.data.cells import Cells
from helpers.data.constants import SIDE, SPLIT_NAMES
from helpers.data.conversions import as_uint8, is_usable_size, to_side, value_scale
from helpers.data.labels import as_words, choose_labels, name_classes
from helpers.data.names import IMAGE_KEYS, LABEL_KEYS, class_index, is_called, split_of
from helpers.data.parts import FoundPart, join
from helpers.errors import refused, refusing, some_of

MOST_BYTES = 8 * 2**30  # in all arrays of a file
LABEL_BYTES = 800  # for each image: 100 classes as float64, or a name of 200 letters
BLOCK_VALUES = 2**20  # converted at a time


def shown(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the keys, types and shapes of arrays in words."""
    forms = (f"'{key}' {values.dtype} {values.shape}" for key, values in arrays.items())
    return some_of(form.replace("object (0,)", "(objects, never unpickled)") for form in forms)


def map_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """Return the array in an .npy entry; one of Python objects is empty, as it is not read."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():  # the map outlives the file's name
        warnings.simplefilter("ignore")  # Python's parser warns of damaged headers before it fails
        unpacked = Path(folder, "array.npy")
        with archive.open(entry) as packed, unpacked.open("w+b") as stream:
            shutil.copyfileobj(packed, stream)
            stream.seek(0)
            if npy.read_magic(stream) != (1, 0):  # only a header of this version is short
                raise ValueError("a version of .npy other than 1.0")
            _, _, dtype = npy.read_array_header_1_0(stream)
        if not dtype.itemsize:  # NumPy would crash
            raise ValueError("values of no size")
        return np.empty(0, object) if dtype.hasobject else np.atleast_1d(npy.open_memmap(unpacked, mode="r"))


def convert_part(split: str, arrays: Mapping[str, np.ndarray], path: Path, crop: str) -> FoundPart:
    """Return the images and labels among ``arrays``, converted; raise InputError."""
    pictures = {key: values for key, values in arrays.items() if values.ndim in (3, 4)}
    others = {key: values for key, values in arrays.items() if values.ndim in (1, 2)}
    meant = [key for key in pictures if len(pictures) == 1 or is_called(key, IMAGE_KEYS)]
    if len(meant) != 1:
        raise refused(path, f"{len(pictures)} arrays could be the images ({shown(pictures)}); call one “images”")
    values, notes = arrays[meant[0]], list[str]()
    found = shown({meant[0]: values})
    if values.ndim == 3:
        height, width, channels = values.shape
        is_single = channels == 3 and is_usable_size(height, width)
        is_single |= height == 3 and all(len(each) != 3 for each in others.values())  # channels come first
        values = values[None] if is_single else values[..., None]
        notes += ["The file holds a single image."] if is_single else []
    if values.shape[3] not in (1, 3):
        values = np.moveaxis(values, 1, -1)
        notes.append("We moved the channels after height and width.")
    count, *size, channels = values.shape
    if not count or values.dtype.kind not in "uif" or channels not in (1, 3) or not is_usable_size(*size):
        expected = f"expected numbers (N, {SIDE}, {SIDE}, 3) or other nearly square images with sides of 16 to 4,096"
        raise refused(path, f"{found} is not an array of cell images in grey or colour without alpha, {expected}")
    notes += ["Images are grey, so red, green and blue are equal."] if channels == 1 else []
    factor, offset, scale = value_scale(values, found, path)
    notes += [f"We read {split or 'all'} pixels, {scale}."] if scale else []

    def converted() -> Iterator[np.ndarray]:
        step = max(1, BLOCK_VALUES // prod(values.shape[1:]))
        for start in range(0, count, step):
            block = as_uint8(values[start : start + step].astype(np.float32) * factor + offset)
            yield from (to_side(np.repeat(image, 3 // channels, axis=2), crop) for image in block)

    images = np.fromiter(converted(), np.dtype((np.uint8, (SIDE, SIDE, 3))), count)
    labels, doubts = find_labels(others, count, path)
    return FoundPart(split, images, np.full((count, 2), size), labels, notes, warnings=doubts)


def find_labels(arrays: Mapping[str, np.ndarray], count: int, path: Path) -> tuple[np.ndarray, list[str]]:
    """Return what each of so many images is as (count,) words, "" if unknown, and warnings; raise InputError."""
    fitting = {key: a for key, a in arrays.items() if len(a) == count and a.nbytes <= LABEL_BYTES * count}
    chosen, doubts = choose_labels(fitting, path)
    usual = {key: values for key, values in arrays.items() if is_called(key, LABEL_KEYS)}
    if usual and not chosen:
        expected = "expected numbers or text (labels.astype(str)) as (N,), (N, 1) or one-hot (N, classes)"
        raise refused(path, f"holds {count} images, but the labels are {shown(usual)}, {expected}")
    return as_words(fitting[chosen], path, chosen) if chosen else np.full(count, ""), doubts


def find_names(arrays: Mapping[str, np.ndarray], counts: set[int], path: Path) -> dict[str, list[str]]:
    """Return the lists of names of classes by key, all equal; ``counts`` are the numbers of images. InputError."""
    lists = dict[str, list[str]]()
    for key, values in arrays.items():
        if values.dtype.kind in "US" and 1 < values.size < 100 and not counts & {len(values), values.size}:
            names = as_words(values.reshape(-1, 1), path, key).tolist()
            lists |= {key: names} if len(names) == len({*names}) and None not in map(class_index, names) else {}
    if len({*map(tuple, lists.values())}) > 1:
        raise refused(path, f"holds different names of classes in {', '.join(lists)}, expected one list")
    return lists


def read_archive(path: Path, classes: str, crop: str) -> Cells:
    """Return the cells in an .npz file; raise InputError with one line where it cannot be used."""
    with refusing(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if re.fullmatch(r"(?!__MACOSX/).*\.npy", entry.filename)]
        keys = [entry.filename.removesuffix(".npy") for entry in entries]
        if not 0 < len({*keys}) == len(keys) <= 1000:
            expected = "expected one of images and one of labels"
            raise refused(path, f"holds {len(keys)} arrays under {len({*keys})} keys, {expected}")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise refused(path, f"holds more than {MOST_BYTES:,} bytes, expected at most that many")
        arrays = {key: map_array(archive, entry) for key, entry in zip(keys, entries, strict=True)}
        pictures = {key: len(values) for key, values in arrays.items() if values.ndim in (3, 4)}
        splits, counts = {*map(split_of, pictures)}, {*pictures.values()}
        if not splits:
            raise refused(path, f"no array of images among {shown(arrays)}, expected one (N, {SIDE}, {SIDE}, 3)")
        names = find_names(arrays, counts, path)
        loose = [key for key in arrays if key in pictures or (key not in names and is_called(key, LABEL_KEYS))]
        if len(splits) > 1 and not all(map(split_of, loose)):
            expected = "expected a split in the key of all arrays of images or of none, and of their labels"
            raise refused(path, f"holds {shown(arrays)}, {expected}")
        parts = []
        for split in sorted(splits, key=("", *SPLIT_NAMES).index):
            # where one split is named, any label array belongs to its images, whichever split its key names
            mine = [key for key in arrays if key not in names and (len(splits) == 1 or split_of(key) == split)]
            parts.append(convert_part(split, {key: arrays[key] for key in mine}, path, crop))
        cells = join(parts, path.name, path, classes, crop, next(iter(names.values()), ()))
        is_settled = any(name_classes(part.labels) for part in parts) or names or classes
        unread = {key: values for key, values in arrays.items() if key not in pictures}
        if cells.labels is not None:  # which arrays may name its classes?
            unread = {key: a for key, a in unread.items() if a.dtype.kind in "USO" and not is_settled}
        if unread:
            said = f"We did not read {shown(unread)}. Call labels “labels”. Save names of classes as a list of text, or"
            return replace(cells, warnings=(*cells.warnings, f"{said} give --classes."))
        return cells
