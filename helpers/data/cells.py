"""Cell images, their labels and where they come from, as every part of the study receives them."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from helpers.data.constants import SIDE

UNLABELLED = 255  # the label of an image that has none, where others of its source have one


def content_sha256(images: np.ndarray, labels: np.ndarray | None) -> str:
    """Return the SHA-256 over all pixels, then over the labels where there are any."""
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    if labels is not None:
        digest.update(np.ascontiguousarray(labels, dtype=np.uint8).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Cells:
    """Cell images with labels and provenance."""

    images: np.ndarray  # (N, 48, 48, 3) uint8, RGB in [0, 255]
    labels: np.ndarray | None  # (N,) uint8 in [0, 7] or `UNLABELLED`, or None where the source has none
    source: str  # what the images are, in words a reader understands
    is_synthetic: bool = False  # whether this project drew the images itself
    notes: tuple[str, ...] = ()  # conversions made on the way in, one sentence each
    warnings: tuple[str, ...] = ()  # what to look at before trusting a result, one sentence each
    source_split: np.ndarray | None = None  # (N,) "train", "validation", "test", or None where none is named
    original_sizes: np.ndarray | None = None  # (N, 2) height and width as stored, or None if all were 48
    names: np.ndarray | None = None  # (N,) file names, or None

    def __post_init__(self) -> None:
        assert (self.images.dtype.name, self.images.shape[1:]) == ("uint8", (SIDE, SIDE, 3))
        assert self.labels is None or self.labels.shape == (len(self),)

    @cached_property
    def sha256(self) -> str:
        """Identity of the data, whatever file it came in."""
        return content_sha256(self.images, self.labels)

    def take(self, positions: np.ndarray) -> "Cells":
        """Return the cells at these positions, with all that is known of each."""
        columns = ("images", "labels", "source_split", "original_sizes", "names")
        known = {name: getattr(self, name) for name in columns if getattr(self, name) is not None}
        return replace(self, **{name: values[positions] for name, values in known.items()})

    def labelled(self) -> "Cells":
        """Return the cells that have a label, with a note on those left out."""
        if self.labels is None or UNLABELLED not in self.labels:
            return self
        known = np.flatnonzero(self.labels != UNLABELLED)
        note = f"We left out {len(self) - len(known):,} of {len(self):,} images, which have no label."
        return replace(self.take(known), notes=(*self.notes, note))

    def __len__(self) -> int:
        return len(self.images)
