"""What may be wrong with images, (N, 48, 48, 3) uint8, before anything is learnt from them."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats.contingency import association
from skimage.measure import block_reduce

from helpers.data.cells import CLASS_NAMES, Cells
from helpers.data.split import DROPPED, Split, find_copies, hash_pixels

NEAR_COPY_DIFFERENCE = 4.0
"""Root-mean-square pixel difference, in grey levels of 0 to 255, up to which two images count as near copies."""
MOST_CANDIDATES = (
    1_000_000  # pairs compared pixel by pixel: where there are more, nearly all images are alike
)


def find_near_copies(images: np.ndarray) -> pd.DataFrame | None:
    """Return the pairs of images whose pixels differ, but by little: first, second, difference; None if too many.

    Of exact copies only the first is compared. ``difference`` is the root mean square over pixels and channels, in
    grey levels. Candidates are found among means over 12x12 blocks, whose difference never exceeds that of the
    pixels, so no pair is missed.
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
    """Return images per group and class, and Cramér's V: 0 where the group tells nothing about the class, 1 all."""
    table = pd.crosstab(pd.Series(groups, name=name), np.array(CLASS_NAMES)[labels], colnames=["class"])
    return table, float(association(table.to_numpy())) if min(table.shape) > 1 else 0.0


def describe_copies(cells: Cells, split: Split) -> pd.DataFrame:
    """Return one row per group of exact copies: images, labels, labels conflict, dropped."""
    assert cells.labels is not None
    rows = []
    for group in find_copies(split.pixel_sha256):
        names = sorted({CLASS_NAMES[label] for label in cells.labels[group]})
        dropped = int(np.sum(split.parts[group] == DROPPED))
        rows.append((", ".join(map(str, group)), ", ".join(names), len(names) > 1, dropped))
    return pd.DataFrame(rows, columns=["images", "labels", "labels conflict", "dropped"])


def describe_defects(cells: Cells, split: Split) -> tuple[pd.DataFrame, str]:
    """Return other defects as words, one row each, and how many pairs of near copies stand in different parts."""
    near, alike, across = find_near_copies(cells.images), *("too many to compare",) * 2
    if near is not None:
        parted = int((split.parts[near["first"]] != split.parts[near["second"]]).sum())
        alike, across = f"{len(near):,}", f"{parted:,} pair{'' if parted == 1 else 's'}"
    sizes, strength = "not recorded in this file", "unknown"
    if cells.original_sizes is not None and cells.labels is not None:
        names = np.array([f"{height}×{width}" for height, width in cells.original_sizes])
        table, association_with_class = group_by_class(names, cells.labels, "original size")
        sizes, strength = f"{len(table)} sizes", f"{association_with_class:.2f}"
    is_constant = (np.ptp(cells.images, axis=(1, 2)) == 0).all(axis=1)
    is_extreme = (cells.images.max(axis=-1) == 0) | (cells.images.min(axis=-1) == 255)
    found = {
        f"pairs of near copies (up to {NEAR_COPY_DIFFERENCE:.0f} grey levels)": alike,
        "constant images": f"{is_constant.sum():,}",
        "saturated images (50% of pixels or more)": f"{(is_extreme.mean(axis=(1, 2)) >= 0.5).sum():,}",
        "original sizes": sizes,
        "Cramér's V, size against class": strength,
    }
    return pd.DataFrame({"found": found}), across


def dropped_images(cells: Cells, split: Split) -> pd.DataFrame:
    """Return one row per dropped image: index, pixel_sha256, label, and the reason in words."""
    assert cells.labels is not None
    rows = []
    for group in find_copies(split.pixel_sha256):
        kept = group[split.parts[group] != DROPPED]
        reason = f"copy of image {kept[0]}" if len(kept) else "copies carry different labels"
        for index in group[split.parts[group] == DROPPED].tolist():
            rows.append((index, split.pixel_sha256[index], CLASS_NAMES[cells.labels[index]], reason))
    return pd.DataFrame(rows, columns=["index", "pixel_sha256", "label", "reason"])
