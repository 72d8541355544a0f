"""Reads what a table among the images says of them: their labels, and the splits that they belong to."""

import codecs
import re
from collections import defaultdict
from collections.abc import Sequence
from io import StringIO
from pathlib import Path, PurePath

import pandas as pd

from helpers.data.labels import class_index
from helpers.data.npz import LABEL_KEYS
from helpers.data.parts import SPLIT_WORDS
from helpers.errors import some_of

TABLES = {".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods"}
LABEL_COLUMNS = {*LABEL_KEYS, "cell_type", "celltype", "cell type", "category", "type", "diagnosis"}
ASIDE = re.compile(r"$|unnamed|pred", re.IGNORECASE)
"""Columns of running numbers, and of what a model predicted, as `helpers.test_model` writes them."""
SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".avif", ".jp2"}
"""Of images; those of other formats are refused when they are read, so that none is lost."""
SPLIT_NAME = re.compile(rf"({'|'.join(SPLIT_WORDS)})[\W_]*(?:set|data|images?|labels?|[ab])?[\W_]*\d*")


def split_of(name: str) -> str:
    """Return "train", "validation" or "test" where a name means one, like ``TestA`` or ``training_set``, else ""."""
    found = SPLIT_NAME.fullmatch(name.strip().casefold())
    return SPLIT_WORDS[found[1]] if found else ""


def read_rows(path: Path) -> pd.DataFrame:
    """Return the fields of a table as text, its first line as the first row; raise ValueError."""
    if path.suffix.casefold() in {".xlsx", ".xls", ".ods"}:
        raise ValueError("we read tables as CSV only, so save it as CSV")
    stored = path.read_bytes()
    is_wide = stored.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = stored.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = stored.decode("cp1252", "replace")
    text = re.sub(r"\A(?:(?:sep=|#).*\s+)+", "", text)  # Excel's first line, or remarks
    separator = max(",;\t|", key=text.partition("\n")[0].count)  # pandas would guess a letter in "file|label"
    rows = pd.read_csv(StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False)
    return rows.fillna("").map(str.strip)


def ends(path: str) -> list[str]:
    """Return the ways to name a file: with fewer and fewer folders above it, each with and without its suffix."""
    parts = [part for part in re.split(r"[\\/]+", path.casefold()) if part not in ("", ".")]
    whole = ["/".join(parts[start:]) for start in range(len(parts))]
    is_image = bool(parts) and PurePath(parts[-1]).suffix in SUFFIXES
    return [way for each in whole for way in ([each, each.rpartition(".")[0]] if is_image else [each])]


def find_images(rows: pd.DataFrame, folder: str, images: Sequence[str]) -> tuple[int, pd.Series]:
    """Return the column that names images, and the image that its rows name, as a position, where they name one.

    A row in a table in ``folder`` names the image whose path ends like its own, for as many folders as possible.
    Raises ValueError where few rows name one, or where a name fits several images.
    """
    named: dict[str, list[int]] = defaultdict(list)
    for position, image in enumerate(images):
        for way in ends(image):
            named[way].append(position)
    ways = rows.map(lambda text: next((way for way in ends(f"{folder}/{text}") if text and way in named), ""))
    # file names before running numbers, which may equal the stems of other files
    are_files = (ways != "") & rows.map(lambda text: PurePath(text.casefold()).suffix in SUFFIXES)
    column = (are_files.sum() * len(rows) + (ways != "").sum()).idxmax()
    found = ways[column][ways[column] != ""]
    if several := [way for way in found if len(named[way]) > 1]:
        raise ValueError(f"its “{several[0]}” names {len(named[several[0]])} images, so add their folders")
    positions, depths = found.map(lambda way: named[way][0]), found.str.count("/")
    if positions.nunique() < max(1, min(len(images), len(rows) - 1) / 2):
        raise ValueError(f"it names {positions.nunique():,} of {len(images):,} images, so use their file names")
    return column, positions[depths == depths.groupby(positions).transform("max")]


def label_column(rows: pd.DataFrame) -> pd.Series | str:
    """Return the labels in rows, or "" where no column has any; raise ValueError where several may have."""
    are_words = rows.map(class_index).notna().sum() >= (rows != "").sum().clip(lower=1) / 2
    scores = 2 * are_words + rows.columns.str.casefold().isin(LABEL_COLUMNS)
    chosen = rows.columns[(scores == scores.max()) & (scores > 0)]
    if len(chosen) > 1 and rows[chosen].map(class_index).nunique(axis=1).max() != 1:
        raise ValueError(f"its columns {some_of(chosen)} may be labels, so keep one")
    one_hot = rows[[name for name in rows if class_index(name) is not None]].apply(pd.to_numeric, errors="coerce")
    if one_hot.shape[1] > 1 and one_hot.isin((0, 1)).all(axis=None) and (one_hot.sum(axis=1) <= 1).all():
        return one_hot.idxmax(axis=1).where(one_hot.any(axis=1), "")
    return rows[chosen[0]] if len(chosen) else ""


def read_table(path: Path, folder: str, images: Sequence[str]) -> pd.DataFrame:
    """Return the ``label`` and ``split`` of each image that a table in ``folder`` names, "" where it does not say.

    The index are positions in ``images``, paths with "/". Raises ValueError, which says why it cannot be used.
    """
    rows = read_rows(path)
    column, positions = find_images(rows, folder, images)
    header = [f"column {c + 1}" for c in rows] if 0 in positions.index else rows.loc[0].tolist()
    kept = [c for c in rows if c != column and not ASIDE.match(header[c])]
    names = [header[c] if header.count(header[c]) == 1 else f"{header[c]} ({c + 1})" for c in kept]
    told = rows.loc[positions.index, kept].set_axis(names, axis=1)
    splits = told.map(split_of)
    is_split = ((splits != "") == (told != "")).all() & (told != "").any()
    label, split = label_column(told.loc[:, ~is_split]), next((splits[c] for c in splits if is_split[c]), "")
    if isinstance(label, str) and isinstance(split, str):
        raise ValueError(f"none of its columns ({some_of(names)}) is labels, so name one “label”")
    said = pd.DataFrame({"image": positions, "label": label, "split": split}).drop_duplicates()
    if (twice := said["image"].duplicated()).any():
        name = images[said["image"][twice].iloc[0]]
        raise ValueError(f"it names {name} twice, with different labels or splits, so correct it")
    return said.set_index("image")
