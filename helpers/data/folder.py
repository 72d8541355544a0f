"""Reads images from folders or a zip of them: in a folder per class, listed in a table, unlabelled, or one file.

The nearest folder above an image that is named for a class is its label, and the nearest that is named for a split,
such as train, is its split. A table may say both instead.
"""

import logging
import os
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from helpers.data.cells import Cells
from helpers.data.constants import SPLIT_NAMES
from helpers.data.conversions import as_rgb, is_usable_size, to_side
from helpers.data.labels import class_index
from helpers.data.npz import LARGEST_COUNT, MOST_BYTES
from helpers.data.parts import FoundPart, Reading, join
from helpers.data.table import SUFFIXES, TABLES, read_table, split_of
from helpers.errors import InputError, printable, refused, refusing, some_of

# Pillow would print something besides the one line of an InputError
logging.getLogger("PIL").setLevel(logging.CRITICAL)

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
"""Files that file managers leave behind; skipped silently, as are names that begin with a dot."""

OTHER_FILES = {
    rb"$": "is empty",
    rb".{4}ftyp|GIF8|\0\0\0\x0cjP": "is a HEIC, AVIF, GIF or JPEG 2000 image or a video (save it as PNG)",
    rb"\x89HDF|MATLAB|\x80[\2-\5]": "is an HDF5, MATLAB or pickle file (save its arrays with numpy.savez)",
    rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!": "is a compressed archive (unpack it)",
    rb"(\xef\xbb\xbf)?[\t\n\r -~]+$": "is text (for a table, give the folder that holds it and its images)",
}
"""What a file is by its first bytes, and what to do with it."""


@dataclass(frozen=True)
class ListedPart:
    """The image files of a folder, or of one split in it, in loading order."""

    split: str
    paths: list[Path]
    labels: list[str] | None  # "" where an image has none
    notes: list[str]
    warnings: list[str]


def other_kind(start: bytes) -> str:
    """Return what a file is that begins with these 12 bytes, and what to do with it, or "" where it may be ours."""
    return next((kind for form, kind in OTHER_FILES.items() if re.match(form, start, re.DOTALL)), "")


def files_below(folder: Path, follows: bool = True) -> Iterator[Path]:
    """Yield the files below ``folder`` in loading order, without dotfiles and system files; raise InputError.

    Links to folders are followed once. One within another is refused, so that none is a circle.
    """
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.name.startswith(".") or entry.name.casefold() in SYSTEM_FILES:
            continue
        if entry.is_dir() and (follows or not entry.is_symlink()):
            yield from files_below(entry, follows and not entry.is_symlink())
        elif entry.is_file():
            yield entry
        else:  # reading from a pipe would never end
            raise refused(entry, "is not a regular file, or a link to none, expected an image")


def list_parts(path: Path) -> list[ListedPart]:
    """Return the images of a folder, split by split, or the one image file; raise InputError where there is none."""
    if not path.is_dir():
        return [ListedPart("", [path], None, [], [])]
    files = pd.DataFrame({"path": [*files_below(path)]}, dtype=object)
    files["name"] = [file.relative_to(path).as_posix() for file in files["path"]]
    files["above"] = [name.split("/")[-2::-1] for name in files["name"]]  # the nearest folder first
    files["label"] = [next((each for each in names if class_index(each) is not None), "") for names in files["above"]]
    files["split"] = [next(filter(None, map(split_of, names)), "") for names in files["above"]]
    suffixes = files["path"].map(lambda file: file.suffix.casefold())
    is_image = suffixes.isin(SUFFIXES) | ((suffixes == "") & (files["label"] != ""))
    images, others = files[is_image].reset_index(drop=True), files[~is_image & ~suffixes.isin(TABLES)]
    if images.empty:
        found = some_of(files["name"], 5) or "nothing"
        raise refused(path, f"holds no images but {found}, expected one subfolder of images per class")
    notes, warnings = use_tables(images, files["path"][suffixes.isin(TABLES)], path)
    if not notes:
        use_folders(images)
    notes += [f"We skipped files that are not images: {some_of(others['name'], 9)}."] if len(others) else []
    has_labels = images["label"].any()
    notes += [] if has_labels else ["The images are not in class folders, so they have no labels."]
    for split in SPLIT_NAMES:
        if len(alike := {name for names in images["above"] for name in names if split_of(name) == split}) > 1:
            warnings.append(f"We read the folders {some_of(sorted(alike))} together, as {split} images.")
    splits = dict(list(images.groupby("split")))
    if "" in splits and len(splits) > 1:
        raise refused(splits[""]["path"].iloc[0], "is in no split, unlike other images, expected all in one or none")
    return [
        ListedPart(split, rows["path"].tolist(), rows["label"].tolist() if has_labels else None, notes, warnings)
        for split, rows in sorted(splits.items(), key=lambda item: ("", *SPLIT_NAMES).index(item[0]))
    ]


def use_tables(images: pd.DataFrame, tables: Iterable[Path], root: Path) -> tuple[list[str], list[str]]:
    """Set the ``label`` and ``split`` of images, both columns of `list_parts`, where tables say more than folders.

    Returns a note if some give labels, and a warning of each that is not used, or not for all images.
    """
    used, warnings = list[str](), list[str]()
    for table in tables:
        name = table.relative_to(root)
        try:
            told = read_table(table, name.parent.as_posix(), images["name"].tolist())
            old = images.loc[told.index, ["label", "split"]]
            clash = (old != "") & (told != "") & (old != told) & (old.map(class_index) != told.map(class_index))
            for at, column in clash.stack()[lambda each: each].index:
                found = f"“{told[column][at]}” of {images['name'][at]}"
                raise ValueError(f"it says {found}, but its folder or another table says “{old[column][at]}”")
        except ValueError as reason:
            warnings.append(f"We did not use the table {name}: {reason}.")
            continue
        images.loc[told.index, ["label", "split"]] = old.where(old != "", told)
        used += [str(name)] if told["label"].any() else []
    if used and (missing := (images["label"] == "").sum()):
        warnings.append(f"The tables give no label for {missing:,} of {len(images):,} images.")
    return [f"The labels come from a table: {some_of(used)}."] if used else [], warnings


def use_folders(images: pd.DataFrame) -> None:
    """Set the ``label`` of images without one to the folders above them, less those that all share; InputError."""
    folders = ["/".join(name for name in names[::-1] if not split_of(name)) for names in images["above"]]
    shared = os.path.commonpath(folders)
    images["label"] = images["label"].where(
        images["label"] != "", [each.removeprefix(shared).strip("/") for each in folders]
    )
    is_outside = images["label"] == ""
    if is_outside.any() and not is_outside.all():
        outside = images["path"][is_outside].iloc[0]
        raise refused(outside, "is outside the class folders, expected every image inside one")


def read_image(path: Path, crop: str) -> tuple[np.ndarray, tuple[int, int], str]:
    """Return (48, 48, 3) uint8, the stored (height, width), and the stored mode; raise InputError."""
    with refusing(path, "an image"), path.open("rb") as stream:
        if kind := other_kind(stream.read(12)):
            raise refused(path, f"{kind}, expected an image")
    with refusing(path, "an image"), Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if not is_usable_size(height, width):
            expected = "expected one cell, with sides of 16 to 4,096 pixels, none twice as long as the other"
            raise refused(path, f"is {height} × {width} pixels, {expected}")
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
            found = f"unpacks to {len(entries):,} files of {size:,} bytes"
            raise refused(path, f"{found}, expected at most {limit:,} bytes")
        archive.extractall(folder)  # takes no path that leads outside
        try:
            return read_images(Path(folder), reading, path.name)
        except InputError as error:
            raise InputError(str(error).replace(folder, str(path))) from None
