"""Reads images from a folder with one subfolder per class, a folder of unlabelled images, or one image file."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES, SIDE
from helpers.data.conversions import as_rgb, class_index, geometry_notes, is_usable_size, to_side
from helpers.errors import printable, refused, refusing

# Pillow would print something besides the one line of an InputError
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
"""Files that file managers leave behind; skipped silently, as are names that begin with a dot."""


class Listing(NamedTuple):
    """The image files of a folder in loading order, and their labels."""

    paths: list[Path]
    labels: list[int] | None
    notes: list[str]


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


def list_images(path: Path) -> Listing:
    """Return the images of a folder, or the one image file; raise InputError for subfolders not named for a class."""
    if not path.is_dir():
        return Listing([path], None, [])
    inside = entries(path)
    class_folders = [entry for entry in inside if entry.is_dir()]
    files = [entry for entry in inside if not entry.is_dir()]
    images = [entry for entry in files if entry.suffix.casefold() in SUFFIXES]
    others = [entry.name for entry in files if entry.suffix.casefold() not in SUFFIXES]
    notes = [f"We skipped files that are not images: {', '.join(others[:9])}."] if others else []
    if class_folders and images:
        raise refused(images[0], "is outside the class folders, expected every image inside one")

    labels = list[int]()
    for folder in class_folders:
        label = class_index(folder.name)
        if label is None:
            raise refused(folder, f"is not named for a class, expected one of {', '.join(CLASS_NAMES)}")
        images += files_below(folder)
        labels += [label] * (len(images) - len(labels))
    if not images:
        raise refused(path, "holds no images, expected one subfolder of images per class")
    for image in images:
        if not image.is_file():  # reading from a pipe would never end
            raise refused(image, "is not a regular file, or a link to none, expected an image")
    if not class_folders:
        notes.append("The images are not in class folders, so they have no labels.")
    return Listing(images, labels if class_folders else None, notes)


def read_image(path: Path) -> tuple[np.ndarray, tuple[int, int], str]:
    """Return (48, 48, 3) uint8, the stored (height, width), and the stored mode; raise InputError."""
    with refusing(path, "an image"), Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if not is_usable_size(height, width):
            raise refused(path, f"is {height} × {width} pixels, expected a nearly square image of one cell")
        if getattr(image, "n_frames", 1) > 1:
            raise refused(path, "holds several frames, expected one image")
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
            raise refused(path, f"has pixels of mode {image.mode}, expected 8-bit RGB or grey")
        mode = "RGBA" if image.has_transparency_data else image.mode
        pixels = np.asarray(image.convert("RGBA" if mode == "RGBA" else "RGB"))
    return to_side(as_rgb(pixels)), (height, width), mode


def read_images(path: Path) -> Cells:
    """Return the cells in a folder, named relative to it, or in one image file; raise InputError."""
    with refusing(path, "a folder of images"):
        listing = list_images(path)
        folder = path if path.is_dir() else path.parent
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=4) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata and large images
        images, pairs, modes = zip(*pool.map(read_image, listing.paths), strict=True)
    sizes, notes = np.array(pairs), [*listing.notes, *geometry_notes(np.array(pairs))]
    for mode, count in sorted(Counter(mode for mode in modes if mode != "RGB").items()):
        action = "put transparent images on white" if mode == "RGBA" else f"converted {mode} images to RGB"
        notes.append(f"We {action} (n = {count:,}).")
    return Cells(
        images=np.stack(images),
        labels=None if listing.labels is None else np.array(listing.labels, np.uint8),
        source=printable(f"folder {path.resolve().name}" if folder == path else path.name),
        notes=tuple(printable(note) for note in notes),
        original_sizes=None if (sizes == SIDE).all() else sizes,
        names=np.array([printable(each.relative_to(folder).as_posix()) for each in listing.paths]),
    )
