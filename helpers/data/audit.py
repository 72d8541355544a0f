"""Looks for defects in images, (N, 48, 48, 3) uint8, before any model learns from them."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats.contingency import association
from skimage.measure import block_reduce

from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES, SPLIT_NAMES
from helpers.data.split import DROPPED, Split, find_copies, hash_pixels

NEAR_COPY_DIFFERENCE = 4.0
"""Root-mean-square pixel difference, in grey levels of 0 to 255, up to which two images count as near copies."""
MOST_CANDIDATES = 1_000_000
"""Pairs of images compared pixel by pixel; where there are more, nearly all images are alike."""


def find_near_copies(images: np.ndarray) -> pd.DataFrame | None:
    """Return the pairs of images that differ, but by little: first, second, difference; None if there are too many.

    Only the first of several exact copies is compared. ``difference`` is the root mean square over pixels and channels,
    in grey levels. Means over blocks of 12x12 pixels never differ more than the pixels themselves, so the search among
    them misses no pair.
    """
    pooled = block_reduce(images, (1, 12, 12, 1), np.mean).reshape(len(images), -1)  # type: ignore[no-untyped-call]
    _, distinct = np.unique(hash_pixels(images), return_index=True)
    distinct.sort()
    radius = NEAR_COPY_DIFFERENCE * np.sqrt(pooled.shape[1])
    tree = cKDTree(pooled[distinct])
    if tree.count_neighbors(tree, radius) > len(distinct) + 2 * MOST_CANDIDATES:
        return None
    candidates = distinct[tree.query_pairs(radius, output_type="ndarray")]
    table = pd.DataFrame(candidates, columns=["first", "second"]).sort_values(["first", "second"])
    gaps = (images[first].astype(np.float64) - images[second] for first, second in table.to_numpy())
    table["difference"] = np.array([np.sqrt(np.mean(gap**2)) for gap in gaps])
    return table[table["difference"] <= NEAR_COPY_DIFFERENCE].reset_index(drop=True)


def group_by_class(groups: np.ndarray, labels: np.ndarray, name: str) -> tuple[pd.DataFrame, float]:
    """Return images per group (rows) and class, and Cramér's V: 0 where groups say nothing about the class, 1 all."""
    table = pd.crosstab(pd.Series(groups, name=name), np.array(CLASS_NAMES)[labels], colnames=["class"])
    return table, float(association(table.to_numpy())) if min(table.shape) > 1 else 0.0


def describe_defects(cells: Cells, split: Split) -> pd.DataFrame:
    """Return a row per kind of defect with what was found; near copies are counted among the images that were kept."""
    kept = split.indices(*SPLIT_NAMES)
    near = find_near_copies(cells.images[kept])
    found: dict[str, int | str] = {"pairs of near copies": "too many to compare"}
    if near is not None:
        parts = split.parts[kept]
        found["pairs of near copies"] = len(near)
        is_apart = parts[near["first"]] != parts[near["second"]]
        found["pairs of near copies in two splits"] = int(is_apart.sum())
    is_extreme = (cells.images.max(axis=-1) == 0) | (cells.images.min(axis=-1) == 255)
    found["images of one colour"] = int((np.ptp(cells.images, axis=(1, 2)) == 0).all(axis=1).sum())
    found["images mostly pure black or white"] = int((is_extreme.mean(axis=(1, 2)) >= 0.5).sum())
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
