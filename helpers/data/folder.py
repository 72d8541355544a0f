"""Reads images from folders, or one file.

The nearest folder above an image that is named for a class is its label, and for a split its split; or tables say them.
"""

import logging
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from helpers.data.cells import Cells
from helpers.data.constants import SPLIT_NAMES
from helpers.data.conversions import is_usable_size, to_side
from helpers.data.names import SUFFIXES, class_index, split_of
from helpers.data.npz import MOST_BYTES
from helpers.data.parts import FoundPart, join
from helpers.errors import InputError, refused, refusing, some_of

# Pillow would print something besides the one line of an InputError
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
TABLES = {".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods"}


def other_kind(start: bytes) -> str:
    """Return what a file is that begins with these 12 bytes, and what to do with it, or "" where it may be ours."""
    kinds = {
        rb"$": "is empty",
        rb".{4}ftyp": "is a HEIC or AVIF image or a video (save it as PNG)",
        rb"\x93NUMPY": "is a single .npy array (save it with numpy.savez)",
        rb"GIF8|\0\0\0\x0cjP": "is a GIF or JPEG 2000 image (save it as PNG)",
        rb"\x89HDF|MATLAB|\x80[\2-\5]": "is an HDF5, MATLAB or pickle file (save its arrays with numpy.savez)",
        rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!": "is a compressed archive (unpack it)",
        rb"(\xef\xbb\xbf)?[\t\n\r -~]+$": "is text (for a table, give the folder that holds it and its images)",
    }
    return next((kind for form, kind in kinds.items() if re.match(form, start, re.DOTALL)), "")


def files_below(folder: Path, follows: bool = True) -> Iterator[Path]:
    """Yield files below ``folder`` in loading order, no hidden ones; InputError for a link in a linked folder."""
    for entry in sorted(each for each in folder.iterdir() if not each.name.startswith(".")):
        if entry.is_dir() and (follows or not entry.is_symlink()):
            yield from files_below(entry, follows and not entry.is_symlink())
        elif entry.is_file():
            yield entry
        else:  # reading from a pipe would never end
            raise refused(entry, "is not a regular file, or a link to none, expected an image")


def nearest(file: Path, root: Path, meaning: Callable[[str], object]) -> str:
    """Return the name of the nearest folder above a file and below ``root`` that has a meaning, or ""."""
    return next((name for name in file.relative_to(root).parts[-2::-1] if meaning(name) not in (None, "")), "")


def look_around(images: list[Path], tables: list[Path], root: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the label and the split that folders or tables give each image, "" if unknown, and warnings."""
    named = [nearest(image, root, split_of) for image in images]
    labels, splits = [nearest(image, root, class_index) for image in images], [*map(split_of, named)]
    is_joined = len({*named}) > len({*splits})
    warnings = [f"We joined those of the folders {some_of(sorted({*named}))} that name one split."] if is_joined else []
    labelled = {split for split, label in zip(splits, labels, strict=True) if label}  # labels of others are hidden
    for image, split, label in zip(images, splits, labels, strict=True):
        if split in labelled and not label:
            raise refused(image, "is in no folder named for a class, unlike others; move or remove it")
    by_name = [""] * len(images)  # splits that the names of tables say
    for table in tables:
        from helpers.data.table import read_table  # loads pandas, which takes a second

        name = table.relative_to(root)
        try:
            with refusing(name, "a table"):
                told, parts, doubts = read_table(table, name, images)
                if any(map(all, zip(told, labels, strict=True))) or any(map(all, zip(parts, splits, strict=True))):
                    raise refused(name, "folders or another table name labels or splits, too; keep one of them")
        except InputError as error:
            warnings.append(f"We did not use the table {error}.")
            continue
        labels, splits = [*map(max, told, labels)], [*map(max, parts, splits)]  # of each two, one or both are empty
        by_name = [split_of(table.stem) if here else there for here, there in zip(told, by_name, strict=True)]
        warnings += doubts
    splits = splits if any(splits) or "" in by_name else by_name
    if tables and any(labels) and "" in labels:
        warnings.append(f"Folders and tables give no label for {labels.count(''):,} of {len(labels):,} images.")
    folders = [nearest(image, root, lambda name: "" if split_of(name) else name) for image in images]
    labels = labels if any(labels) or len({*folders}) == 1 else folders
    if any(splits) and "" in splits:
        raise refused(images[splits.index("")], "is in no split, unlike others, expected all images in one or none")
    return labels, splits, warnings


def read_image(path: Path, crop: str) -> tuple[np.ndarray, tuple[int, int], str]:
    """Return (48, 48, 3) uint8, the stored (height, width), and the stored mode; raise InputError."""
    with refusing(path, "an image"), path.open("rb") as stream:
        if kind := other_kind(stream.read(12)):
            raise refused(path, f"{kind}, expected an image, a folder of them, or an .npz file of images and labels")
        image: Image.Image = Image.open(stream, formats=FORMATS)
        width, height = image.size
        if not is_usable_size(height, width):
            raise refused(path, f"is {height} × {width} pixels, expected sides of 16 to 4,096, none twice the other")
        is_multiple = getattr(image, "n_frames", 1) > 1
        if is_multiple and image.format != "MPO":  # telephones add previews to a JPEG
            raise refused(path, "holds several frames, expected one image")
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
            raise refused(path, f"has pixels of mode {image.mode}, expected 8-bit RGB or grey")
        mode = "RGBA" if image.has_transparency_data else image.mode
        if mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        pixels = np.array(image.convert("RGB"))
    return to_side(pixels, crop), (height, width), "MPO" if is_multiple else mode


def read_images(path: Path, classes: str, crop: str) -> Cells:
    """Return the cells in a folder, named relative to it, or in one image file; raise InputError."""
    with refusing(path, "a folder of images"):
        root, files = (path, [*files_below(path)]) if path.is_dir() else (path.parent, [path])
        images = [file for file in files if file == path or file.suffix.casefold() in SUFFIXES]
        images += [file for file in files if not file.suffix and nearest(file, root, class_index)]
        tables = [file for file in files if file.suffix.casefold() in TABLES]
        if not images:
            raise refused(path, f"holds no images (files: {some_of(f.name for f in files)}); give some or an .npz file")
        labels, splits, doubts = look_around(images, tables, root)
        skipped = [file.relative_to(root) for file in files if file not in {*images, *tables}]
        notes = [f"We skipped files that are not images: {some_of(skipped, 9)}."] if skipped else []
        with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=4) as pool:
            warnings.simplefilter("ignore")  # Pillow's remarks on metadata and large images
            pixels, sizes, modes = zip(*pool.map(partial(read_image, crop=crop), images), strict=True)
        actions = {"RGBA": "put transparent images on white", "MPO": "took the first image of files with several"}
        for mode, count in sorted(Counter(mode for mode in modes if mode != "RGB").items()):
            notes.append(f"We {actions.get(mode, f'converted {mode} images to RGB')} (n = {count:,}).")
        parts = []
        for split in sorted({*splits}, key=("", *SPLIT_NAMES).index):
            at = np.flatnonzero(np.array(splits) == split)
            names = [images[i].relative_to(root).as_posix() for i in at]
            found = np.stack([pixels[i] for i in at]), np.array(sizes)[at], np.array(labels)[at]
            parts.append(FoundPart(split, *found, notes, names, doubts))
        return join(parts, f"folder {path.resolve().name}" if root == path else path.name, path, classes, crop)


def read_zip(path: Path, classes: str, crop: str) -> Cells:
    """Return the cells in a zip of images, unpacked into a temporary folder; raise InputError."""
    with refusing(path, "a zip of images"), zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
        size, limit = sum(each.file_size for each in archive.infolist()), min(MOST_BYTES, 100 * path.stat().st_size)
        if size > limit:  # images are compressed already
            raise refused(path, f"unpacks to {size:,} bytes, expected at most {limit:,}")
        for entry in archive.infolist():
            entry.filename = entry.filename.replace("\\", "/")  # as some Windows programs write it
        archive.extractall(folder, archive.infolist())  # takes no path that leads outside
        try:
            return replace(read_images(Path(folder), classes, crop), source=path.name)
        except InputError as error:
            raise InputError(str(error).replace(folder, str(path))) from None
