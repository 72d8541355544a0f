"""The arrays inside an .npz file, read without trusting it.

Nothing is ever unpickled. Every header is checked against what the zip really holds before memory is
reserved, and values are read in blocks.
"""

import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.command_line import refused

LARGEST_ARRAY = 8 * 2**30
"""Bytes that one array may declare."""

BLOCK_VALUES = 2**20
"""Values read and converted at a time."""


@dataclass(frozen=True)
class StoredArray:
    """One array of the file, as its header describes it."""

    key: str
    entry: zipfile.ZipInfo
    header_bytes: int
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran_order: bool

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=object))

    def __str__(self) -> str:
        return f"'{self.key}' {self.dtype} {self.shape}"


def open_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> StoredArray:
    """Return what the header of one .npy entry says, after checking it against the entry's size."""
    key = entry.filename.removesuffix(".npy")
    if entry.flag_bits & 1:
        raise refused(path, f"'{key}' is encrypted, expected a plain .npz file")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refused(path, f"'{key}' uses zip method {entry.compress_type}, expected stored or deflated")
    if entry.header_offset + entry.compress_size > path.stat().st_size:
        # said here, because what zipfile says of it differs from one Python to the next
        raise refused(path, f"'{key}' claims {entry.compress_size:,} bytes, which the file does not hold")
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            header = np.lib.format.read_array_header_1_0(stream, max_header_size=4096)
        elif version == (2, 0):
            header = np.lib.format.read_array_header_2_0(stream, max_header_size=4096)
        else:
            raise refused(path, f"'{key}' has .npy version {version}, expected (1, 0) or (2, 0)")
        array = StoredArray(key, entry, stream.tell(), *(header[0], header[2], header[1]))
    if array.dtype.hasobject:
        raise refused(path, f"'{key}' holds Python objects, which are never unpickled; expected numbers")
    if min(array.shape, default=0) < 0 or array.dtype.itemsize == 0:
        raise refused(path, f"{array} is no array that can be read")
    declared, held = array.size * array.dtype.itemsize, entry.file_size - array.header_bytes
    if declared > LARGEST_ARRAY:
        raise refused(path, f"{array} declares {declared:,} bytes, at most {LARGEST_ARRAY:,} are accepted")
    # Deflate cannot shrink more than 1032-fold: a larger claim cannot be true.
    if declared != held or declared > 1040 * entry.compress_size:
        raise refused(path, f"{array} declares {declared:,} bytes, which the file does not hold")
    return array


def list_arrays(archive: zipfile.ZipFile, path: Path) -> list[StoredArray]:
    """Return every array of the file, in file order, each header checked; raise InputError otherwise."""
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
    if not entries or len(entries) > 1000:
        raise refused(path, f"holds {len(entries)} arrays, expected one of images and one of labels")
    if len({entry.filename for entry in entries}) < len(entries):
        raise refused(path, "holds two arrays of the same key")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged headers make Python's parser warn before it fails
        return [open_array(archive, entry, path) for entry in entries]


def blocks(archive: zipfile.ZipFile, array: StoredArray, path: Path, values: int) -> Iterator[np.ndarray]:
    """Yield the array's values in file order, as 1-D pieces of at most ``values``."""
    remaining = array.size
    with archive.open(array.entry) as stream:
        stream.read(array.header_bytes)
        while remaining:
            size = min(values, remaining)
            content = stream.read(size * array.dtype.itemsize)
            if len(content) != size * array.dtype.itemsize:
                raise refused(path, f"{array} ends before its declared size")
            yield np.frombuffer(content, array.dtype)
            remaining -= size
        stream.read(1)  # only at the end does zipfile compare the checksum


def whole(archive: zipfile.ZipFile, array: StoredArray, path: Path) -> np.ndarray:
    """Return the array, for small ones such as labels."""
    pieces = list(blocks(archive, array, path, BLOCK_VALUES))
    values = np.concatenate(pieces) if pieces else np.empty(0, array.dtype)
    return values.reshape(array.shape, order="F" if array.fortran_order else "C")
