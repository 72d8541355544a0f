"""Reads what tables among the images say of them: their labels, and the splits that they belong to."""

import codecs
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path, PurePath

import pandas as pd

from helpers.data.labels import choose_labels
from helpers.data.names import SUFFIXES, class_index, split_of
from helpers.errors import InputError, refused, refusing, some_of


def read_rows(path: Path) -> pd.DataFrame:
    """Return a table with all fields as text."""
    stored = path.read_bytes()
    try:
        text = stored.decode("utf-16" if stored[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError:
        text = stored.decode("cp1252", "replace")
    text = re.sub(r"\A(?:(?:sep=|#).*\s+)+", "", text)  # Excel's first line, or remarks
    separator = max(",;\t|", key=text.partition("\n")[0].count)  # pandas would guess a letter in "file|label"
    return pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False).fillna("").map(str.strip)


def ends(path: str) -> list[str]:
    """Return the ways to name a file, without its suffix: with fewer and fewer of the folders above it."""
    parts = [part for part in re.split(r"[\\/]+", path.casefold()) if part not in ("", ".")]
    if parts and PurePath(parts[-1]).suffix in SUFFIXES:
        parts[-1] = parts[-1].rpartition(".")[0]
    return ["/".join(parts[start:]) for start in range(len(parts))]


def find_images(rows: pd.DataFrame, table: Path, images: Sequence[str]) -> tuple[str, pd.Series]:
    """Return the column that names images, and the position of that of each row that names one; raise InputError.

    A row names the one image whose path ends like its own, for as many folders as possible.
    """
    named: dict[str, int] = {}
    for position, image in enumerate(images):
        named |= {way: -1 if way in named else position for way in ends(image)}  # -1 where it fits several
    found = rows.map(
        lambda text: next(
            (named[way] for way in ends(f"{table.parent}/{text}") if text and named.get(way, -1) >= 0), -1
        )
    )
    # file names before running numbers, which may equal the stems of other files
    are_files = (found >= 0) & rows.map(lambda text: PurePath(text.casefold()).suffix).isin(SUFFIXES)
    column = max(rows, key=lambda name: (are_files[name].sum(), (found[name] >= 0).sum()))
    positions = found[column][found[column] >= 0]
    if (count := positions.nunique()) < max(1, min(len(images), len(rows)) / 2):
        raise refused(table, f"names {count:,} of {len(images):,} images clearly, so give file names with folders")
    return column, positions


def read_table(path: Path, name: Path, images: Sequence[str]) -> pd.DataFrame:
    """Return the ``label`` and ``split``, "" if unknown, that each row of a table gives an image; raise InputError.

    The index are positions in ``images``; ``name`` and they are paths in the same folder.
    """
    if path.suffix.casefold() not in {".csv", ".tsv", ".tab"}:
        raise refused(name, "is no CSV file, expected one; save it as CSV")
    rows = read_rows(path)
    column, positions = find_images(rows, name, images)
    told = rows.loc[positions.index].drop(columns=column).set_axis(positions)
    told = told[[each for each in told if not each.startswith("Unnamed")]]
    label = choose_labels({each: told[each].to_numpy(str) for each in told}, name)
    if sum(class_index(each) is not None for each in told) > 1:
        raise refused(name, "has columns named for classes, expected one called “label” of their names")
    splits = told.map(split_of)
    split = next((each for each in told if 2 * (splits[each] != "").sum() >= max(1, (told[each] != "").sum())), "")
    if not label and not split:
        raise refused(name, f"none of its columns ({some_of(told)}) is labels, so call one “label”")
    return pd.DataFrame({"label": told[label] if label else "", "split": splits[split] if split else ""}, told.index)


def read_tables(tables: Sequence[Path], root: Path, images: Sequence[Path]) -> tuple[pd.DataFrame, list[str]]:
    """Return the ``label`` and ``split``, "" if unknown, of each image, and warnings of tables that are not used.

    InputError where tables contradict each other, or one itself.
    """
    names, warnings = [image.relative_to(root).as_posix() for image in images], list[str]()
    found = [pd.DataFrame({"label": "", "split": ""}, pd.RangeIndex(len(images)))]
    for table in tables:
        name = table.relative_to(root)
        try:
            with refusing(name, "a table"):
                told = read_table(table, name, names)
        except InputError as error:
            warnings.append(f"We did not use the table {error}.")
            continue
        if len(tables) > 1 and (split := split_of(table.stem)):  # such as train.csv and test.csv
            told["split"] = told["split"].where(told["split"] != "", split)
        found.append(told)
    said = pd.concat(found).replace("", None).groupby(level=0)
    twice = said.nunique().max(axis=1) > 1
    if twice.any():
        raise refused(root / names[twice.idxmax()], "has two labels or splits in tables, expected one")
    return said.first().fillna(""), warnings
