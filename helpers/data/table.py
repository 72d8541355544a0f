"""Reads what a table among the images says of them: their labels, and the splits that they belong to."""

import codecs
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path, PureWindowsPath

import pandas as pd

from helpers.data.labels import choose_labels
from helpers.data.names import SUFFIXES, class_index, split_of
from helpers.errors import refused, some_of


def read_rows(path: Path) -> pd.DataFrame:
    """Return a CSV table with all fields as text."""
    stored = path.read_bytes()
    is_utf16 = stored[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = stored.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    text = re.sub(r"\A(?:(?:sep=|#).*\s+)+", "", text)  # Excel's first line, or remarks
    separator = max(",;\t|", key=text.partition("\n")[0].count)  # pandas would guess a letter in "file|label"
    return pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False).fillna("").map(str.strip)


def stem_of(file: str) -> str:
    """Return the name of an image in lower case, without folders and suffix."""
    name = PureWindowsPath(file.casefold())
    return name.stem if name.suffix in SUFFIXES else name.name


def find_images(rows: pd.DataFrame, images: Sequence[Path], name: Path) -> tuple[str, pd.Series]:
    """Return the column that names images, and the position of that of each row that names one; raise InputError."""
    stems = pd.Series(range(len(images)), [stem_of(image.name) for image in images])
    # file names before running numbers, which may equal the stems of other files
    are_files = rows.map(lambda text: PureWindowsPath(text.casefold()).suffix in SUFFIXES)
    found = rows.map(stem_of).isin(stems.index)
    column = max(rows, key=lambda each: ((are_files & found)[each].sum(), found[each].sum()))
    named = rows.loc[found[column], column].map(stem_of)
    if named.nunique() < max(1, min(len(images), len(rows)) / 2):
        raise refused(name, f"names {named.nunique():,} of {len(images):,} images, expected file names in a column")
    if not (named.is_unique and stems.index.is_unique):
        raise refused(name, "rows or images in different folders have the same name, expected names that differ")
    return column, named.map(stems)


def read_table(path: Path, name: Path, images: Sequence[Path]) -> tuple[list[str], list[str], list[str]]:
    """Return the label and the split, "" if unknown, that a table gives each image, and warnings; raise InputError.

    The line of an InputError begins with ``name``.
    """
    if path.suffix.casefold() not in {".csv", ".tsv", ".tab"}:
        raise refused(name, "is not read, expected CSV; save it as CSV")
    rows = read_rows(path).drop_duplicates()
    column, positions = find_images(rows, images, name)
    told = rows.loc[positions.index].drop(columns=column).set_axis(positions).reindex(range(len(images)), fill_value="")
    label, warnings = choose_labels({each: told[each].to_numpy(str) for each in told}, name)
    if sum(class_index(each) is not None for each in told) > 1:
        raise refused(name, "has columns named for classes, expected one called “label” of their names")
    splits = told.map(split_of).assign(**{"": ""})
    split = next((each for each in told if 2 * (splits[each] != "").sum() > (told[each] != "").sum()), "")
    if not label and not split:
        raise refused(name, f"none of its columns ({some_of(told)}) is labels, so call one “label”")
    return [*told.assign(**{"": ""})[label]], [*splits[split]], warnings
