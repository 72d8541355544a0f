"""Joins what was found in a file or folder, part by part, to cells with labels that mean the eight classes."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.data.cells import UNLABELLED, Cells
from helpers.data.constants import SIDE
from helpers.data.conversions import geometry_notes
from helpers.data.labels import map_labels
from helpers.data.plausibility import check_pixels
from helpers.errors import printable, refused

SPLIT_WORDS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "validation", "valid": "validation", "validation": "validation", "dev": "validation"},
}
"""Usual names of the splits."""


@dataclass(frozen=True)
class FoundPart:
    """Images of a source that belong together: all of them, or those of one split."""

    split: str  # "train", "validation", "test", or "" where the source names none
    images: np.ndarray  # (N, 48, 48, 3) uint8
    sizes: np.ndarray  # (N, 2) height and width in pixels, as stored
    labels: np.ndarray | None  # (N,) whole numbers or words, or None where there are none
    notes: list[str]  # conversions made, one sentence each
    names: list[str] = field(default_factory=list)  # of the files, or none


@dataclass(frozen=True)
class Reading:
    """How a user says that a source is to be read: ``--classes`` and ``--crop``."""

    classes: str = ""
    crop: str = "auto"


def join(
    parts: list[FoundPart], source: str, path: Path, reading: Reading, stored_names: tuple[str, ...] = ()
) -> Cells:
    """Return all parts as cells; InputError where labels have no meaning or images cannot be cells.

    A label that is an empty word is none.
    """
    warnings = check_pixels({part.split: part.images for part in parts}, path)
    images = np.concatenate([part.images for part in parts]) if len(parts) > 1 else parts[0].images
    sizes = np.concatenate([part.sizes for part in parts])
    notes = [
        *dict.fromkeys(note for part in parts for note in part.notes),
        *geometry_notes(sizes, reading.crop),
    ]
    names = [name for part in parts for name in part.names]
    counts, splits = [len(part.images) for part in parts], [part.split for part in parts]

    labels = None
    if any(part.labels is not None for part in parts):
        labels, said, labels_warnings = _map_all(parts, path, reading, stored_names)
        notes, warnings = [*notes, *said], [*warnings, *labels_warnings]
    is_split = {"train", "test"} <= set(splits)
    if any(splits):
        named = ", ".join(f"{count:,} {split}" for count, split in zip(counts, splits, strict=True))
        unused = "" if is_split else " We split them again, because training or test images are missing."
        notes.append(f"The file comes with splits ({named} images).{unused}")
    return Cells(
        images=images,
        labels=labels,
        source=printable(source),
        notes=tuple(printable(note) for note in notes),
        warnings=tuple(printable(warning) for warning in warnings),
        source_split=np.repeat(splits, counts) if is_split else None,
        original_sizes=None if (sizes == SIDE).all() else sizes,
        names=np.array([printable(name) for name in names]) if names else None,
    )


def _map_all(
    parts: list[FoundPart], path: Path, reading: Reading, stored_names: tuple[str, ...]
) -> tuple[np.ndarray, list[str], list[str]]:
    """Return (N,) uint8 labels of all parts together, notes and warnings; InputError."""
    stored = [np.full(len(p.images), "") if p.labels is None else p.labels for p in parts]
    values = np.concatenate(stored)
    is_known = values != "" if values.dtype.kind == "U" else np.full(len(values), True)
    if not is_known.any():
        raise refused(path, "holds only empty labels, expected a class for each image")
    labels = np.full(len(values), UNLABELLED, np.uint8)
    labels[is_known], said, warning = map_labels(values[is_known], path, reading.classes, stored_names)
    notes = (
        [said]
        if is_known.all()
        else [said, f"{(~is_known).sum():,} of {len(values):,} images have no label."]
    )
    return labels, notes, [warning] if warning else []
