"""Reads images from folders, a zip of them, or one file.

The nearest folder above an image that is named for a class is its label, and for a split its split; or tables say them.
"""

import logging
import os
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from helpers.data.cells import Cells
from helpers.data.constants import SPLIT_NAMES
from helpers.data.conversions import as_rgb, is_usable_size, to_side
from helpers.data.labels import class_index
from helpers.data.npz import LARGEST_COUNT, MOST_BYTES
from helpers.data.parts import SPLIT_WORDS, FoundPart, Reading, join
from helpers.errors import InputError, printable, refused, refusing, some_of

# Pillow would print something besides the one line of an InputError
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
TABLES = {".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods"}
SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".avif", ".jp2"}
"""Of images; those of other formats are refused when they are read, so that none is lost."""
SPLIT_NAME = re.compile(rf"({'|'.join(SPLIT_WORDS)})[\W_]*(?:set|data|images?|labels?|[ab])?[\W_]*\d*")
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
"""Files that file managers leave behind; skipped silently, as are names that begin with a dot."""


@dataclass(frozen=True)
class ListedPart:
    """The image files of a folder, or of one split in it, in loading order."""

    split: str
    paths: list[Path]
    labels: list[str] | None  # "" where an image has none
    notes: list[str]
    warnings: list[str]


def split_of(name: str) -> str:
    """Return "train", "validation" or "test" where a name means one, like ``TestA`` or ``training_set``, else ""."""
    found = SPLIT_NAME.fullmatch(name.strip().casefold())
    return SPLIT_WORDS[found[1]] if found else ""


def other_kind(start: bytes) -> str:
    """Return what a file is that begins with these 12 bytes, and what to do with it, or "" where it may be ours."""
    kinds = {
        rb"$": "is empty",
        rb".{4}ftyp": "is a HEIC or AVIF image or a video (save it as PNG)",
        rb"GIF8|\0\0\0\x0cjP": "is a GIF or JPEG 2000 image (save it as PNG)",
        rb"\x89HDF|MATLAB|\x80[\2-\5]": "is an HDF5, MATLAB or pickle file (save its arrays with numpy.savez)",
        rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!": "is a compressed archive (unpack it)",
        rb"(\xef\xbb\xbf)?[\t\n\r -~]+$": "is text (for a table, give the folder that holds it and its images)",
    }
    return next((kind for form, kind in kinds.items() if re.match(form, start, re.DOTALL)), "")


def files_below(folder: Path, follows: bool = True) -> Iterator[Path]:
    """Yield the files below ``folder`` in loading order; raise InputError for a link in a linked folder (a circle)."""
    entries = [each for each in sorted(folder.iterdir()) if each.name.casefold() not in SYSTEM_FILES]
    for entry in (each for each in entries if not each.name.startswith(".")):
        if entry.is_dir() and (follows or not entry.is_symlink()):
            yield from files_below(entry, follows and not entry.is_symlink())
        elif entry.is_file():
            yield entry
        else:  # reading from a pipe would never end
            raise refused(entry, "is not a regular file, or a link to none, expected an image")


def list_parts(path: Path) -> list[ListedPart]:
    """Return the images of a folder, split by split, or the one image file; raise InputError where there is none."""
    from helpers.data.table import use_tables  # loads pandas, which takes a second

    if not path.is_dir():
        return [ListedPart("", [path], None, [], [])]
    files = [*files_below(path)]
    above = {file: file.relative_to(path).parts[-2::-1] for file in files}  # folders, from the nearest
    classes = {file: next((name for name in above[file] if class_index(name) is not None), "") for file in files}
    images = [file for file in files if file.suffix.casefold() in SUFFIXES or (not file.suffix and classes[file])]
    tables = [file for file in files if file.suffix.casefold() in TABLES]
    others = [file.relative_to(path) for file in sorted({*files} - {*images, *tables})]
    if not images:
        raise refused(path, f"holds no images (files: {some_of(f.name for f in files)}), expected class folders")
    labels = [classes[image] for image in images]
    splits = [next(filter(None, map(split_of, above[image])), "") for image in images]
    named = sorted({name for image in images for name in above[image] if split_of(name)})
    is_joined = len(named) > len({*splits})
    used, warnings = use_tables(tables, path, images, labels, splits)
    warnings += [f"We read several of the folders {some_of(named)} as one split."] if is_joined else []
    notes = [f"We skipped files that are not images: {some_of(others, 9)}."] if others else []
    notes += [f"The labels come from a table: {some_of(used)}."] if used else []
    if not used:  # any folders above an image are its label, less those that all share
        folders = ["/".join(name for name in above[image][::-1] if not split_of(name)) for image in images]
        shared = os.path.commonpath(folders)
        labels = [label or each.removeprefix(shared).strip("/") for label, each in zip(labels, folders, strict=True)]
        if any(labels) and "" in labels:
            raise refused(images[labels.index("")], "is outside the class folders, expected every image inside one")
    notes += [] if any(labels) else ["The images are not in class folders, so they have no labels."]
    if any(splits) and "" in splits:
        raise refused(images[splits.index("")], "is in no split, unlike others, expected all images in one or none")
    parts = []
    for split in ("", *SPLIT_NAMES):
        chosen = [at for at, each in enumerate(splits) if each == split]
        words = [labels[at] for at in chosen] if any(labels) else None
        parts += [ListedPart(split, [images[at] for at in chosen], words, notes, warnings)] if chosen else []
    return parts


def read_image(path: Path, crop: str) -> tuple[np.ndarray, tuple[int, int], str]:
    """Return (48, 48, 3) uint8, the stored (height, width), and the stored mode; raise InputError."""
    with refusing(path, "an image"), path.open("rb") as stream:
        if kind := other_kind(stream.read(12)):
            raise refused(path, f"{kind}, expected an image")
        image = Image.open(stream, formats=FORMATS)
        width, height = image.size
        if not is_usable_size(height, width):
            raise refused(path, f"is {height} × {width} pixels, expected sides of 16 to 4,096, none twice the other")
        is_multiple = getattr(image, "n_frames", 1) > 1
        if is_multiple and image.format != "MPO":  # telephones add previews to a JPEG
            raise refused(path, "holds several frames, expected one image")
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
            raise refused(path, f"has pixels of mode {image.mode}, expected 8-bit RGB or grey")
        mode = "RGBA" if image.has_transparency_data else image.mode
        pixels = np.array(image.convert("RGBA" if mode == "RGBA" else "RGB"))
    if mode == "RGBA" and pixels[..., 3].max() == 1:  # which was meant to be opaque
        pixels[..., 3] *= 255
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
        listing = list_parts(path)
        parts = [read_part(part, folder, reading.crop) for part in listing]
        source = source or (f"folder {path.resolve().name}" if folder == path else path.name)
        cells = join(parts, source, path, reading)
        return replace(cells, warnings=(*map(printable, listing[0].warnings), *cells.warnings))


def read_zip(path: Path, reading: Reading) -> Cells:
    """Return the cells in a zip of images, unpacked into a temporary folder; raise InputError."""
    with refusing(path, "a zip of images"), zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
        entries = archive.infolist()
        size, limit = sum(each.file_size for each in entries), min(MOST_BYTES, 100 * path.stat().st_size)
        if len(entries) > LARGEST_COUNT or size > limit:  # images are compressed already
            raise refused(path, f"unpacks to {len(entries):,} files of {size:,} bytes, expected at most {limit:,}")
        archive.extractall(folder)  # takes no path that leads outside
        try:
            return read_images(Path(folder), reading, path.name)
        except InputError as error:
            raise InputError(str(error).replace(folder, str(path))) from None
