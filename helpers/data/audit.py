"""Looks for defects in images, (N, 48, 48, 3) uint8, before any model learns from them."""

import numpy as np
import pandas as pd
from scipy.stats.contingency import association

from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES
from helpers.data.split import DROPPED, Split, find_copies


def group_by_class(groups: np.ndarray, labels: np.ndarray, name: str) -> tuple[pd.DataFrame, float]:
    """Return images per group (rows) and class, and Cramér's V: 0 where groups say nothing about the class, 1 all."""
    table = pd.crosstab(pd.Series(groups, name=name), np.array(CLASS_NAMES)[labels], colnames=["class"])
    return table, float(association(table.to_numpy())) if min(table.shape) > 1 else 0.0


def describe_defects(cells: Cells) -> pd.DataFrame:
    """Return a row per kind of defect with what was found."""
    is_extreme = (cells.images.max(axis=-1) == 0) | (cells.images.min(axis=-1) == 255)
    found: dict[str, int | str] = {
        "images of one colour": int((np.ptp(cells.images, axis=(1, 2)) == 0).all(axis=1).sum()),
        "images mostly pure black or white": int((is_extreme.mean(axis=(1, 2)) >= 0.5).sum()),
    }
    if cells.original_sizes is not None and cells.labels is not None:
        sizes = np.array([f"{height} × {width}" for height, width in cells.original_sizes])
        by_size, strength = group_by_class(sizes, cells.labels, "original size")
        if len(by_size) > 1:
            found |= {"original sizes": len(by_size), "Cramér’s V between size and class": f"{strength:.2f}"}
    return pd.DataFrame({"found": found}).rename_axis("defect")


def dropped_images(cells: Cells, split: Split) -> pd.DataFrame:
    """Return a row per dropped image: index (position in the data), pixel_sha256, label, and the reason in words."""
    assert cells.labels is not None
    rows = []
    for group in find_copies(split.pixel_sha256):
        kept = group[split.parts[group] != DROPPED]
        reason = f"copy of image {kept[0]}" if len(kept) else "copies have different labels"
        for index in group[split.parts[group] == DROPPED].tolist():
            rows.append((index, split.pixel_sha256[index], CLASS_NAMES[cells.labels[index]], reason))
    return pd.DataFrame(rows, columns=["index", "pixel_sha256", "label", "reason"])
