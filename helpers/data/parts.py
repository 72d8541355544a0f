"""Joins what was found in a file or folder, part by part, to cells with labels that mean the eight classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.data.cells import Cells
from helpers.data.constants import SIDE
from helpers.data.conversions import geometry_notes
from helpers.data.labels import map_labels
from helpers.data.plausibility import check_pixels
from helpers.errors import printable


@dataclass(frozen=True)
class FoundPart:
    """Images of a source that belong together: all of them, or those of one split."""

    split: str  # "train", "validation", "test", or "" where the source names none
    images: np.ndarray  # (N, 48, 48, 3) uint8
    sizes: np.ndarray  # (N, 2) height and width in pixels, as stored
    labels: np.ndarray  # (N,) words, "" where an image has none
    notes: list[str]  # conversions made, one sentence each
    names: list[str] = field(default_factory=list)  # of the files, or none
    warnings: list[str] = field(default_factory=list)  # doubts, one sentence each


def join(
    parts: list[FoundPart], source: str, path: Path, classes: str, crop: str, stored_names: Sequence[str] = ()
) -> Cells:
    """Return all parts as cells; InputError where labels have no meaning or images cannot be cells."""
    warnings = list(dict.fromkeys(warning for part in parts for warning in part.warnings))
    warnings += check_pixels({part.split: part.images for part in parts}, path)
    images = np.concatenate([part.images for part in parts]) if len(parts) > 1 else parts[0].images
    sizes = np.concatenate([part.sizes for part in parts])
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    notes += geometry_notes(sizes, crop)
    names = [name for part in parts for name in part.names]
    counts, splits = [len(part.images) for part in parts], [part.split for part in parts]

    labels, words = None, np.concatenate([part.labels for part in parts])
    if (words != "").any():
        labels, said, doubts = map_labels(words, path, classes, stored_names)
        notes, warnings = [*notes, *said], [*warnings, *doubts]
        warnings += [
            f"All {part.split} images have the label {part.labels[0]}. Perhaps their labels are hidden."
            for part in parts
            if part.labels[0] and len(part.labels) >= 20 and len(parts) > len({*part.labels}) == 1
        ]
    else:
        notes.append("The images have no labels.")
    if any(splits):
        named = ", ".join(f"{count:,} {split}" for count, split in zip(counts, splits, strict=True))
        notes.append(f"The file comes with splits ({named} images).")
    return Cells(
        images=images,
        labels=labels,
        source=printable(source),
        notes=tuple(printable(note) for note in notes),
        warnings=tuple(printable(warning) for warning in warnings),
        source_split=np.repeat(splits, counts) if any(splits) else None,
        original_sizes=None if (sizes == SIDE).all() else sizes,
        names=np.array([printable(name) for name in names]) if names else None,
    )
