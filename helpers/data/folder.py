"""Reads images from folders or a zip of them: in a folder per class, listed in a table, unlabelled, or one file.

The folders of the classes, or a table, may lie in folders named train, val and test, and all in one that wraps them.
"""

import csv
import logging
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from helpers.data.cells import Cells
from helpers.data.constants import SPLIT_NAMES
from helpers.data.conversions import as_rgb, is_usable_size, to_side
from helpers.data.labels import class_index
from helpers.data.npz import LABEL_KEYS, LARGEST_COUNT, MOST_BYTES
from helpers.data.parts import SPLIT_WORDS, FoundPart, Reading, join
from helpers.errors import InputError, refused, refusing

# Pillow would print something besides the one line of an InputError
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
"""Files that file managers leave behind; skipped silently, as are names that begin with a dot."""


@dataclass(frozen=True)
class ListedPart:
    """The image files of a folder, or of one split in it, in loading order."""

    split: str
    paths: list[Path]
    labels: list[str] | None  # "" where an image has none
    notes: list[str]


def is_image(path: Path) -> bool:
    """Return whether a file is named like an image."""
    return path.suffix.casefold() in SUFFIXES


def entries(folder: Path) -> list[Path]:
    """Return the content of ``folder``, sorted by name, without dotfiles and system files."""
    found = sorted(folder.iterdir(), key=lambda path: path.name)
    return [p for p in found if not p.name.startswith(".") and p.name.casefold() not in SYSTEM_FILES]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below ``folder`` in loading order; a link to a folder counts as a file, so none is a circle."""
    for entry in entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            yield from files_below(entry)
        else:
            yield entry


def list_parts(path: Path) -> list[ListedPart]:
    """Return the images of a folder, split by split, or the one image file; raise InputError where there is none."""
    if not path.is_dir():
        return [ListedPart("", [path], None, [])]
    root, table = path, read_table(path)
    while wrapped := find_wrapped(root):
        root, table = wrapped, table or read_table(wrapped)
    folders = [entry for entry in entries(root) if entry.is_dir()]
    splits = {SPLIT_WORDS.get(folder.name.casefold(), ""): folder for folder in folders}
    if folders and "" not in splits and len(splits) == len(folders):
        parts = [list_part(split, splits[split], table) for split in SPLIT_NAMES if split in splits]
    else:
        parts = [list_part("", root, table)]
    if not any(part.paths for part in parts):
        raise refused(path, "holds no images, expected one subfolder of images per class")
    for image in (image for part in parts for image in part.paths):
        if not image.is_file():  # reading from a pipe would never end
            raise refused(image, "is not a regular file, or a link to none, expected an image")
    return [part for part in parts if part.paths]


def find_wrapped(root: Path) -> Path | None:
    """Return the folder that holds all images, where there is one that is named neither for a class nor a split."""
    folders = [entry for entry in entries(root) if entry.is_dir()]
    if len(folders) != 1 or any(map(is_image, entries(root))):
        return None
    name = folders[0].name
    return None if class_index(name) is not None or name.casefold() in SPLIT_WORDS else folders[0]


def read_table(root: Path) -> dict[str, list[str]] | None:
    """Return the columns of the one table (.csv) in a folder, or None where there is none to read."""
    try:
        (table,) = [entry for entry in entries(root) if entry.suffix.casefold() == ".csv" and entry.is_file()]
        lines = table.read_text("utf-8-sig").splitlines()
        dialect = csv.Sniffer().sniff("\n".join(lines[:20]), ",;\t")
        rows = [row for row in csv.reader(lines, dialect) if row]
        return dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
    except (ValueError, IndexError, csv.Error):  # none, several or no table of ours
        return None


def list_part(split: str, root: Path, table: dict[str, list[str]] | None) -> ListedPart:
    """Return the images below ``root``, labelled by the folder of a class that they lie in, or else by a table."""
    inside = entries(root)
    folders = [entry for entry in inside if entry.is_dir()]
    files = [entry for entry in inside if not entry.is_dir()]
    images = [entry for entry in files if is_image(entry)]
    table = table or read_table(root)
    if table and not (folders and all(class_index(folder.name) is not None for folder in folders)):
        below = [file for file in files_below(root) if is_image(file)]
        if labels := labels_from(table, below, root):
            return ListedPart(split, below, labels, ["The labels come from a table."])
    others = [entry.name for entry in files if not is_image(entry)]
    notes = [f"We skipped files that are not images: {', '.join(others[:9])}."] if others else []
    if folders and images:
        raise refused(images[0], "is outside the class folders, expected every image inside one")
    if not folders:
        notes += ["The images are not in class folders, so they have no labels."] if images else []
        return ListedPart(split, images, None, notes)
    pairs = [(image, folder.name) for folder in folders for image in files_below(folder)]
    return ListedPart(split, [image for image, _ in pairs], [name for _, name in pairs], notes)


def labels_from(table: dict[str, list[str]], images: list[Path], root: Path) -> list[str] | None:
    """Return the label of each image from a table that names at least half of them, "" where it has none, else None."""
    keys = [(image.relative_to(root).as_posix(), image.name, image.stem) for image in images]
    table = {column: names for column, names in table.items() if not re.match(r"\s*$|Unnamed", column)}
    # file names before running numbers, which may equal the stems of other files
    for column, names in sorted(table.items(), key=lambda item: -sum("." in name for name in item[1])):
        rows = {Path(name).as_posix(): row for row, name in enumerate(names)}
        plain = {Path(name).name: row for row, name in enumerate(names)}
        rows |= plain if len(plain) == len(names) else {}
        found = [next((rows[key] for key in each if key in rows), None) for each in keys]
        if images and sum(row is not None for row in found) >= len(images) / 2:
            others = [name for name in table if name != column]
            chosen = [name for name in others if name.strip().casefold() in LABEL_KEYS] or others
            if len(chosen) != 1:
                raise refused(root, f"has a table of {', '.join(table)}, expected a column of files and one of labels")
            if len({*zip(names, table[chosen[0]], strict=True)}) > len({*names}):
                raise refused(root, f"has a table that names a file in “{column}” twice, with different labels")
            return ["" if row is None else table[chosen[0]][row] for row in found]
    return None


def read_image(path: Path, crop: str) -> tuple[np.ndarray, tuple[int, int], str]:
    """Return (48, 48, 3) uint8, the stored (height, width), and the stored mode; raise InputError."""
    with refusing(path, "an image"), Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if not is_usable_size(height, width):
            raise refused(path, f"is {height} × {width} pixels, expected a nearly square image of one cell")
        is_multiple = getattr(image, "n_frames", 1) > 1
        if is_multiple and image.format != "MPO":  # telephones add previews to a JPEG
            raise refused(path, "holds several frames, expected one image")
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
            raise refused(path, f"has pixels of mode {image.mode}, expected 8-bit RGB or grey")
        mode = "RGBA" if image.has_transparency_data else image.mode
        pixels = np.asarray(image.convert("RGBA" if mode == "RGBA" else "RGB"))
    return to_side(as_rgb(pixels), crop), (height, width), "MPO" if is_multiple else mode


def read_part(listed: ListedPart, folder: Path, crop: str) -> FoundPart:
    """Return the images and labels of listed files, named relative to ``folder``; raise InputError."""
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=4) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata and large images
        images, sizes, modes = zip(*pool.map(partial(read_image, crop=crop), listed.paths), strict=True)
    notes = list(listed.notes)
    actions = {"RGBA": "put transparent images on white", "MPO": "took the first image of files with several"}
    for mode, count in sorted(Counter(mode for mode in modes if mode != "RGB").items()):
        notes.append(f"We {actions.get(mode, f'converted {mode} images to RGB')} (n = {count:,}).")
    labels = None if listed.labels is None else np.array(listed.labels)
    names = [path.relative_to(folder).as_posix() for path in listed.paths]
    return FoundPart(listed.split, np.stack(images), np.array(sizes), labels, notes, names)


def read_images(path: Path, reading: Reading, source: str = "") -> Cells:
    """Return the cells in a folder, named relative to it, or in one image file; raise InputError."""
    with refusing(path, "a folder of images"):
        folder = path if path.is_dir() else path.parent
        parts = [read_part(part, folder, reading.crop) for part in list_parts(path)]
        source = source or (f"folder {path.resolve().name}" if folder == path else path.name)
        return join(parts, source, path, reading)


def read_zip(path: Path, reading: Reading) -> Cells:
    """Return the cells in a zip of images, unpacked into a temporary folder; raise InputError."""
    with refusing(path, "a zip of images"), zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
        suffixes = (*SUFFIXES, ".csv")
        wanted = [each for each in archive.infolist() if each.filename.casefold().endswith(suffixes)]
        size, limit = sum(each.file_size for each in wanted), min(MOST_BYTES, 100 * path.stat().st_size)
        if len(wanted) > LARGEST_COUNT or size > limit:  # images are compressed already
            found = f"unpacks to {len(wanted):,} files of {size:,} bytes"
            raise refused(path, f"{found}, expected at most {limit:,} bytes")
        archive.extractall(folder, wanted)  # takes no path that leads outside
        try:
            return read_images(Path(folder), reading, path.name)
        except InputError as error:
            raise InputError(str(error).replace(folder, str(path))) from None
