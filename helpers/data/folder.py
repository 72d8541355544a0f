"""Reads images from folders, a zip of them, or one file.

The nearest folder above an image that is named for a class is its label, and for a split its split; or tables say them.
"""

import logging
import os
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
from helpers.data.conversions import as_rgb, is_usable_size, to_side
from helpers.data.names import SUFFIXES, class_index, split_of
from helpers.data.npz import LARGEST_COUNT, MOST_BYTES
from helpers.data.parts import FoundPart, Reading, join
from helpers.errors import InputError, printable, refused, refusing, some_of

# Pillow would print something besides the one line of an InputError
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
TABLES = {".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods"}
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
"""Files that file managers leave behind; skipped silently, as are names that begin with a dot."""


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


def nearest(file: Path, root: Path, meaning: Callable[[str], object]) -> str:
    """Return the name of the nearest folder above a file and below ``root`` that has a meaning, or ""."""
    return next((name for name in file.relative_to(root).parts[-2::-1] if meaning(name) not in (None, "")), "")


def look_around(images: list[Path], tables: list[Path], root: Path) -> tuple[list[str], list[str], str, list[str]]:
    """Return the label and the split that folders or tables give each image, "" if unknown, a note, and warnings."""
    labels = [nearest(image, root, class_index) for image in images]
    named = [nearest(image, root, split_of) for image in images]
    splits, are_classes, warnings = [*map(split_of, named)], any(labels), list[str]()
    if len({*named}) > len({*splits}):
        warnings.append(f"We read several of the folders {some_of(sorted({*named}))} as one split.")
    if tables:
        from helpers.data.table import read_tables  # loads pandas, which takes a second

        told, unused = read_tables(tables, root, images)
        warnings += unused
        for kind, own in (("label", labels), ("split", splits)):
            if not any(own):
                own[:] = told[kind]
            elif any(each not in ("", mine) for each, mine in zip(told[kind], own, strict=True)):
                warnings.append(f"We took each {kind} from the folders, and not from a table.")
        if any(labels) and not are_classes:
            gaps = f"The tables give no label for {labels.count(''):,} of {len(labels):,} images."
            return labels, splits, "The labels come from a table.", [*warnings, gaps] if "" in labels else warnings
    # any folders above an image are its label, less those that all share
    folders = ["/".join(name for name in i.relative_to(root).parts[:-1] if not split_of(name)) for i in images]
    shared = os.path.commonpath(folders)
    labels = [label or each.removeprefix(shared).strip("/") for label, each in zip(labels, folders, strict=True)]
    if any(labels) and "" in labels:
        raise refused(images[labels.index("")], "is outside the class folders, expected every image inside one")
    note = "" if any(labels) else "The images are not in class folders, so they have no labels."
    return labels, splits, note, warnings


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


def read_part(split: str, paths: list[Path], labels: list[str], root: Path, crop: str) -> FoundPart:
    """Return the images in files, named relative to ``root``, and their labels; raise InputError."""
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=4) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata and large images
        images, sizes, modes = zip(*pool.map(partial(read_image, crop=crop), paths), strict=True)
    notes, actions = list[str](), {"RGBA": "put transparent images on white"}
    actions |= {"MPO": "took the first image of files with several"}
    for mode, count in sorted(Counter(mode for mode in modes if mode != "RGB").items()):
        notes.append(f"We {actions.get(mode, f'converted {mode} images to RGB')} (n = {count:,}).")
    names = [path.relative_to(root).as_posix() for path in paths]
    return FoundPart(split, np.stack(images), np.array(sizes), np.array(labels) if any(labels) else None, notes, names)


def read_images(path: Path, reading: Reading, source: str = "") -> Cells:
    """Return the cells in a folder, named relative to it, or in one image file; raise InputError."""
    with refusing(path, "a folder of images"):
        root, files = (path, [*files_below(path)]) if path.is_dir() else (path.parent, [path])
        images = [file for file in files if file == path or file.suffix.casefold() in SUFFIXES]
        images += [file for file in files if not file.suffix and nearest(file, root, class_index)]
        tables = [file for file in files if file.suffix.casefold() in TABLES]
        if not images:
            raise refused(path, f"holds no images (files: {some_of(f.name for f in files)}), expected class folders")
        labels, splits, note, warnings = look_around(images, tables, root)
        if any(splits) and "" in splits:
            found = "is in no split, unlike others, expected all images in one or none"
            raise refused(images[splits.index("")], found)
        skipped = [file.relative_to(root) for file in files if file not in {*images, *tables}]
        notes = [f"We skipped files that are not images: {some_of(skipped, 9)}."] if skipped else []
        notes += [note] if note and root == path else []
        parts = []
        for split in sorted({*splits}, key=("", *SPLIT_NAMES).index):
            chosen = [at for at, each in enumerate(splits) if each == split]
            words = [labels[at] for at in chosen]
            parts.append(read_part(split, [images[at] for at in chosen], words, root, reading.crop))
        source = source or (f"folder {path.resolve().name}" if root == path else path.name)
        cells = join(parts, source, path, reading)
        notes, warnings = [*map(printable, notes), *cells.notes], [*map(printable, warnings), *cells.warnings]
        return replace(cells, notes=tuple(notes), warnings=tuple(warnings))


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
