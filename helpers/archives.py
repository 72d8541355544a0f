"""Cells from an .npz file, whatever its keys and layout, pixels converted block by block."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from helpers.cells import CLASS_NAMES, SIDE, SPLIT_NAMES, Cells
from helpers.command_line import printable, refused, refusing
from helpers.conversions import (
    as_labels,
    as_rgb,
    as_uint8,
    geometry_notes,
    to_side,
    usable_size,
    value_scale,
)
from helpers.stored_arrays import BLOCK_VALUES, StoredArray, blocks, list_arrays, whole

LARGEST_COUNT = 500_000
"""Images that one file may declare."""

LARGEST_LABEL = 512
"""Bytes of one label, if it is a name."""

IMAGE_KEYS = {"", "image", "images", "img", "imgs", "x", "data", "pixels"}
LABEL_KEYS = {"", "label", "labels", "y", "target", "targets", "class", "classes"}
SPLIT_WORDS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}


@dataclass(frozen=True)
class StoredPart:
    """Images and labels that belong together: the whole file, or one split of it."""

    split: int | None
    images: StoredArray
    labels: StoredArray | None
    shape: tuple[int, ...]
    """(N, H, W, C), or (N, C, H, W) where ``channels_first``."""
    channels_first: bool


def split_and_stem(key: str) -> tuple[int | None, str]:
    """Return the split that a key like ``train_images`` names (index into SPLIT_NAMES), and what is left."""
    words = [word for word in re.split(r"[\W_]+", key.casefold()) if word]
    splits = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
    return (splits[0] if len(splits) == 1 else None), "_".join(w for w in words if w not in SPLIT_WORDS)


def the_one(arrays: list[StoredArray], usual_keys: set[str], what: str, path: Path) -> StoredArray:
    """Return the array meant; between several a usual key decides; raise InputError where it does not."""
    usual = [array for array in arrays if split_and_stem(array.key)[1] in usual_keys]
    if len(arrays) > 1 and len(usual) != 1:
        found = ", ".join(str(array) for array in arrays[:6])
        raise refused(path, f"{len(arrays)} arrays could be the {what} ({found}), expected one")
    return arrays[0] if len(arrays) == 1 else usual[0]


def find_part(split: int | None, arrays: list[StoredArray], path: Path) -> StoredPart:
    """Return which arrays are the images and the labels, and how the images lie; raise InputError."""
    images = the_one([array for array in arrays if len(array.shape) in (3, 4)], IMAGE_KEYS, "images", path)
    shape, channels_first = images.shape, False
    if len(shape) == 3:
        is_one_image = shape[2] in (3, 4) and usable_size(*shape[:2])
        shape = (1, *shape) if is_one_image else (*shape, 1)
    elif shape[3] not in (1, 3, 4):
        channels_first = True
    count, *rest = shape
    channels = rest.pop(0 if channels_first else 2)
    if images.dtype.kind not in "uif" or channels not in (1, 3, 4) or not (count == 0 or usable_size(*rest)):
        expected = f"expected numbers of shape (N, {SIDE}, {SIDE}, 3) or other nearly square images"
        raise refused(path, f"{images} is no array of cell images, {expected}")
    if count == 0:
        raise refused(path, f"{images} holds no images")

    others = [array for array in arrays if len(array.shape) in (1, 2) and array is not images]
    fitting = [array for array in others if array.shape[0] == count]
    usual = [array for array in others if split_and_stem(array.key)[1] in LABEL_KEYS]
    if not fitting and (usual or len(others) == 1):
        raise refused(path, f"{count} images in {images} but the labels are {(usual or others)[0]}")
    labels = the_one(fitting, LABEL_KEYS, "labels", path) if fitting else None
    if labels:  # judged by their header: whatever it declares, none is read that is no label
        if labels.shape not in {(count,), (count, 1), (count, len(CLASS_NAMES))}:
            expected = "expected (N,), (N, 1) or one-hot (N, 8)"
            raise refused(path, f"'{labels.key}' is {labels.shape}, {expected}")
        if labels.dtype.itemsize > LARGEST_LABEL:
            raise refused(path, f"'{labels.key}' is {labels.dtype}, expected numbers or names of classes")
    return StoredPart(split, images, labels, shape, channels_first)


def find_parts(arrays: list[StoredArray], path: Path) -> list[StoredPart]:
    """Return one part for the whole file, or one per split in the order train, validation, test."""
    groups: dict[int | None, list[StoredArray]] = {}
    for array in arrays:
        groups.setdefault(split_and_stem(array.key)[0], []).append(array)
    holding = {split: group for split, group in groups.items() if any(len(a.shape) in (3, 4) for a in group)}
    if not holding:
        found = ", ".join(str(array) for array in arrays[:6])
        raise refused(path, f"no array of images (N, {SIDE}, {SIDE}, 3) among {found}")
    if None in holding and len(holding) > 1:
        raise refused(
            path, f"images both with and without a part named in their key: {', '.join(map(str, arrays[:6]))}"
        )
    if len(holding) == 1:  # then any label array is meant for these images, whichever part its key names
        [(split, group)] = holding.items()
        if all(len(array.shape) in (3, 4) for array in group):
            others = [array for array in arrays if len(array.shape) in (1, 2)]
            holding[split] = group + [each for each in others if split_and_stem(each.key)[1] in LABEL_KEYS]
    parts = [find_part(split, holding[split], path) for split in sorted(holding, key=lambda s: s or 0)]
    first = parts[0]
    for part in parts[1:]:
        if (part.shape[1:], part.images.dtype) != (first.shape[1:], first.images.dtype):
            raise refused(path, f"{first.images} and {part.images} differ, expected images of one kind")
        if (part.labels is None) != (first.labels is None):
            raise refused(path, f"{first.images} and {part.images}: only one of them has labels")
    if sum(part.shape[0] for part in parts) > LARGEST_COUNT:
        raise refused(path, f"declares more than {LARGEST_COUNT:,} images, which is the most accepted")
    return parts


def value_range(archive: zipfile.ZipFile, array: StoredArray, path: Path) -> tuple[float, float]:
    """Return the smallest and largest pixel value; raise InputError for NaN and infinity."""
    if array.dtype == np.uint8:
        return 0, 255
    low, high = np.inf, -np.inf
    for block in blocks(archive, array, path, BLOCK_VALUES):
        low, high = min(low, block.min()), max(high, block.max())
        if not (np.isfinite(block.min()) and np.isfinite(block.max())):
            raise refused(path, f"{array} holds NaN or infinite pixels")
    return float(low), float(high)


def fill(
    out: np.ndarray, archive: zipfile.ZipFile, part: StoredPart, scale: tuple[float, float], path: Path
) -> None:
    """Write a part's images to ``out`` (N, 48, 48, 3) uint8, converting block after block."""
    count, image_values = part.shape[0], prod(part.shape[1:])
    step = max(1, BLOCK_VALUES // image_values)
    if part.images.fortran_order:
        flat = np.empty(count * image_values, np.uint8)
        position = 0
        for block in blocks(archive, part.images, path, BLOCK_VALUES):
            flat[position : position + len(block)] = as_uint8(block, *scale)
            position += len(block)
        stored = flat.reshape(part.images.shape, order="F").reshape(part.shape)
        pieces = (stored[start : start + step] for start in range(0, count, step))
    else:
        pieces = (
            as_uint8(block, *scale).reshape(-1, *part.shape[1:])
            for block in blocks(archive, part.images, path, step * image_values)
        )
    position = 0
    for piece in pieces:
        images = as_rgb(np.moveaxis(piece, 1, -1) if part.channels_first else piece)
        end = position + len(images)
        out[position:end] = (
            images if images.shape[1:3] == (SIDE, SIDE) else [to_side(image) for image in images]
        )
        position = end


def layout_notes(parts: list[StoredPart]) -> Iterator[str]:
    """Yield a sentence per way in which the file differs from (N, 48, 48, 3)."""
    first = parts[0]
    channels = first.shape[1 if first.channels_first else 3]
    if len(first.images.shape) == 3 and channels > 1:
        yield "The file held a single image."
    if first.channels_first:
        yield "Channels came before height and width; moved last."
    if channels == 1:
        yield "Images were grey; the value was repeated for red, green and blue."
    if channels == 4:
        yield "Images had an alpha channel; laid on white."


def read_archive(path: Path, source: str = "", notes: tuple[str, ...] = ()) -> Cells:
    """Return the cells in an .npz file; raise InputError with one line where it is not understood."""
    with refusing(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        parts = find_parts(list_arrays(archive, path), path)
        ranges = [value_range(archive, part.images, path) for part in parts]
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        scale = value_scale(parts[0].images.dtype, low, high)
        if scale is None:
            expected = "expected 0 to 255, 0 to 1 or -1 to 1"
            raise refused(path, f"{parts[0].images} has values {low:g} to {high:g}, {expected}")
        counts = [part.shape[0] for part in parts]
        images = np.empty((sum(counts), SIDE, SIDE, 3), np.uint8)
        labels, found_notes = [], [*notes, *layout_notes(parts), *filter(None, [scale[2]])]
        for part, end in zip(parts, np.cumsum(counts), strict=True):
            if part.labels is not None:
                part_labels, label_notes = as_labels(whole(archive, part.labels, path), path, part.labels.key)
                labels.append(part_labels)
                found_notes += [note for note in label_notes if note not in found_notes]
            fill(images[end - part.shape[0] : end], archive, part, scale[:2], path)

    height, width = parts[0].shape[2:] if parts[0].channels_first else parts[0].shape[1:3]
    sizes = np.full((len(images), 2), (height, width))
    found_notes += geometry_notes(sizes)
    splits = [SPLIT_NAMES[part.split] for part in parts if part.split is not None]
    is_split = {"train", "test"} <= set(splits)
    if splits:
        named = ", ".join(f"{n:,} {split}" for n, split in zip(counts, splits, strict=True))
        unused = "" if is_split else "; split anew, for want of parts to train and to test on"
        found_notes.append(f"The file's own parts: {named}{unused}.")
    return Cells(
        images=images,
        labels=np.concatenate(labels) if labels else None,
        source=source or printable(path.name),
        notes=tuple(map(printable, found_notes)),
        source_split=np.repeat(splits, counts) if is_split else None,
        original_sizes=None if (height, width) == (SIDE, SIDE) else sizes,
    )
