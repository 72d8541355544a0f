"""Reads what tables among the images say of them: their labels, and the splits that they belong to."""

import codecs
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path, PurePath

import pandas as pd

from helpers.data.folder import SUFFIXES, split_of
from helpers.data.labels import class_index
from helpers.data.npz import LABEL_KEYS
from helpers.errors import some_of


def read_rows(path: Path) -> pd.DataFrame:
    """Return a table with all fields as text; raise ValueError."""
    if path.suffix.casefold() in {".xlsx", ".xls", ".ods"}:
        raise ValueError("we read tables as CSV only, so save it as CSV")
    stored = path.read_bytes()
    try:
        text = stored.decode("utf-16" if stored[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError:
        text = stored.decode("cp1252", "replace")
    text = re.sub(r"\A(?:(?:sep=|#).*\s+)+", "", text)  # Excel's first line, or remarks
    separator = max(",;\t|", key=text.partition("\n")[0].count)  # pandas would guess a letter in "file|label"
    return pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False).fillna("").map(str.strip)


def ends(path: str) -> list[str]:
    """Return the ways to name a file: with fewer and fewer folders above it, each with and without its suffix."""
    parts = [part for part in re.split(r"[\\/]+", path.casefold()) if part not in ("", ".")]
    whole = ["/".join(parts[start:]) for start in range(len(parts))]
    is_image = bool(parts) and PurePath(parts[-1]).suffix in SUFFIXES
    return [way for each in whole for way in ([each, each.rpartition(".")[0]] if is_image else [each])]


def find_images(rows: pd.DataFrame, folder: str, images: Sequence[str]) -> tuple[str, pd.Series]:
    """Return the column that names images, and the position of that of each row that names one; raise ValueError.

    A row of a table in ``folder`` names the one image whose path ends like its own, for as many folders as possible.
    """
    named: dict[str, int] = {}
    for position, image in enumerate(images):
        named |= {way: -1 if way in named else position for way in ends(image)}  # -1 where it fits several
    ways = rows.map(lambda text: next((w for w in ends(f"{folder}/{text}") if text and named.get(w, -1) >= 0), ""))
    # file names before running numbers, which may equal the stems of other files
    are_files = (ways != "") & rows.map(lambda text: PurePath(text.casefold()).suffix).isin(SUFFIXES)
    column = (are_files.sum() * (len(rows) + 1) + (ways != "").sum()).idxmax()
    found = ways[column][ways[column] != ""]
    positions, depths = found.map(named), found.str.count("/")
    if (count := positions.nunique()) < max(1, min(len(images), len(rows)) / 2):
        raise ValueError(f"it names {count:,} of {len(images):,} images clearly, so give file names with folders")
    return column, positions[depths == depths.groupby(positions).transform("max")]


def read_table(path: Path, folder: str, images: Sequence[str]) -> pd.DataFrame:
    """Return the ``label`` and ``split`` that each row of a table in ``folder`` gives an image, None where it does not.

    The index are positions in ``images``. Labels are 1 in one of several columns named for classes, or a column of
    classes, or else one with a usual name, but never predictions. Raises ValueError, which says why it tells nothing.
    """
    rows = read_rows(path)
    column, positions = find_images(rows, folder, images)
    kept = [name for name in rows if name != column and not re.match("unnamed|pred", name.casefold())]
    told = rows.loc[positions.index, kept]
    one_hot = told[[name for name in kept if class_index(name) is not None]].apply(pd.to_numeric, errors="coerce")
    if one_hot.shape[1] > 1 and one_hot.isin((0, 1)).all(axis=None) and (one_hot.sum(axis=1) <= 1).all():
        told = told.drop(columns=one_hot).assign(classes=one_hot.idxmax(axis=1).where(one_hot.any(axis=1), ""))
    splits, is_filled = told.map(split_of), told != ""
    half = is_filled.sum().clip(lower=1) / 2  # the others are refused later
    is_split, are_words = (splits != "").sum() >= half, told.map(class_index).notna().sum() >= half
    scores = 2 * are_words + told.columns.str.strip().str.casefold().isin(LABEL_KEYS)
    chosen = told.columns[(scores == scores.max()) & (scores > 0)]
    if len(chosen) > 1 and told[chosen].map(class_index).nunique(axis=1).max() != 1:
        raise ValueError(f"its columns {some_of(chosen)} may be labels, so keep one")
    label = next((told[name] for name in chosen), None)
    split = next((splits[name] for name in told.columns[is_split]), None)
    if label is None and split is None:
        raise ValueError(f"none of its columns ({some_of(kept)}) is labels, so name one “label”")
    return pd.DataFrame({"label": label, "split": split}, told.index).set_axis(positions).replace("", None)


def use_tables(
    tables: Sequence[Path], root: Path, images: Sequence[Path], labels: list[str], splits: list[str]
) -> tuple[list[str], list[str]]:
    """Add what tables say to labels and splits, "" if unknown; return the tables that give labels, and warnings."""
    names = [image.relative_to(root).as_posix() for image in images]
    known, used, warnings = pd.DataFrame({"label": labels, "split": splits}), list[str](), list[str]()
    for table in tables:
        name = table.relative_to(root)
        try:
            told = read_table(table, name.parent.as_posix(), names)
            if len(tables) > 1 and (split := split_of(table.stem)):  # such as train.csv and test.csv
                told["split"] = told["split"].fillna(split)
            said = pd.concat([known.loc[told.index].replace("", None), told])
            classes = said.map(class_index, na_action="ignore").astype(object)
            counts = said.where(classes.isna(), classes).groupby(level=0).nunique().max(axis=1)
            if counts.max() > 1:
                raise ValueError(f"{names[counts.idxmax()]} has two labels or splits, here or elsewhere")
        except ValueError as reason:
            warnings.append(f"We did not use the table {name}: {str(reason).strip()}.")
            continue
        known.loc[counts.index] = said.groupby(level=0).first().fillna("")
        used += [str(name)] if told["label"].notna().any() else []
    labels[:], splits[:] = known["label"], known["split"]
    if used and "" in labels:
        warnings.append(f"The tables give no label for {labels.count(''):,} of {len(labels):,} images.")
    return used, warnings
