"""Maps labels, whatever a source calls them, to the eight classes, and says how."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.data.cells import UNLABELLED
from helpers.data.constants import CLASS_NAMES
from helpers.errors import refused

CODES = (
    "ba bas baso",
    "eo eos eosino",
    "erb ebo normoblast nrbc",
    "ig promyelocyte pmy pmo myelocyte my myb metamyelocyte mmy mmz",
    "ly lym lymph lyt",
    "mo mon mono",
    "ne neu neut neutro bne sne ngb ngs",
    "plt thrombocyte",
)
"""Usual abbreviations of each class, and the stages of immature granulocytes, which Acevedo et al. 2020 name."""

LABEL_OF_CODE = {code: label for label, codes in enumerate(CODES) for code in codes.split()}
LABEL_OF_WORDS = {frozenset(name.split()): label for label, name in enumerate(CLASS_NAMES)}
FILLERS = {"cell", "band", "segmented", "typical"}
"""Words that a name may have besides: "Band_Neutrophil", "segmented neutrophils", "platelet cells"."""


def class_index(name: str) -> int | None:
    """Return the label 0 to 7 of a name, plural or abbreviation, with a number before it or not, or None."""
    plain = re.sub(r"\(.*?\)", " ", unicodedata.normalize("NFKC", name).casefold())
    words = re.findall(r"[^\W_]+", re.sub(r"^\s*\d+(?=[\W_])", " ", plain))
    for read in (words, [word.removesuffix("s") for word in words]):
        if len(read) == 1 and read[0] in LABEL_OF_CODE:
            return LABEL_OF_CODE[read[0]]
        if (label := LABEL_OF_WORDS.get(frozenset(read) - FILLERS)) is not None:
            return label
    return None


def as_values(labels: np.ndarray, path: Path, key: str) -> np.ndarray:
    """Return labels as stored, (N,), (N, 1) or one-hot (N, K), as (N,) whole numbers or words; raise InputError."""
    found = f"'{key}' {labels.dtype} {labels.shape}"
    if labels.ndim == 2 and labels.shape[1] > 1:
        is_one_hot = labels.dtype.kind in "buif" and np.isin(labels, (0, 1)).all()
        if not (is_one_hot and (labels.sum(axis=1) == 1).all()):
            raise refused(path, f"{found} is not one-hot, expected one 1 a row")
        return np.asarray(labels.argmax(axis=1))
    labels = labels.ravel()
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "U":
        return labels
    if labels.dtype.kind not in "uif":
        raise refused(path, f"'{key}' is {labels.dtype}, expected whole numbers or names of classes")
    broken = labels[~(np.isfinite(labels) & (labels == np.floor(labels)))]
    if len(broken):
        raise refused(path, f"'{key}' holds the label {broken[0]}, expected whole numbers, no NaN and nothing infinite")
    return labels.astype(np.int64)


def map_labels(
    values: np.ndarray, path: Path, classes: str = "", stored_names: Sequence[str] = ()
) -> tuple[np.ndarray, list[str], list[str]]:
    """Return (N,) uint8 labels in [0, 7] or `UNLABELLED`, what each value was taken for, and warnings of doubts.

    ``values`` (N,) are whole numbers or words, of which an empty one is no label. Their meaning comes from ``classes``
    (the option ``--classes``: names, separated by commas, of the distinct values in ascending order), else from the
    words themselves, else from ``stored_names``, those of the file, else from BloodMNIST's order. InputError if a value
    has no meaning.
    """
    is_known = values != ""
    known, labels = values[is_known], np.full(len(values), UNLABELLED, np.uint8)
    if not len(known):
        raise refused(path, "holds only empty labels, expected a class for each image")
    if known.dtype.kind == "U" and all(re.fullmatch(r"\d{1,4}", word) for word in set(known.tolist())):
        known = known.astype(np.int64)
    distinct, inverse = np.unique(known, return_inverse=True)
    are_words, warnings = distinct.dtype.kind == "U", list[str]()
    if classes:
        table, said = _named(distinct, classes.split(","), "--classes"), "As --classes says"
    elif are_words:
        hint = f", or --classes with {len(distinct)} names, in the order {', '.join(distinct.tolist())}"
        table, said = _worded(distinct.tolist(), path, hint), "By their names"
    elif stored_names:
        table, said = _named(distinct, stored_names, path), "By the names in the file"
    else:
        table, said = (
            _numbered(distinct, path),
            "The labels are numbers without names. In the order of BloodMNIST",
        )
        if absent := [str(label) for label in range(len(CLASS_NAMES)) if label not in table]:
            warnings = [
                f"No image has the label {' or '.join(absent)}. If these are the numbers of another collection, the "
                "classes are wrong. --classes with a name for each label, in ascending order, says which they are"
                + (f", perhaps --classes {likely_names(distinct)}." if np.ptp(distinct) < len(distinct) else ".")
            ]
    labels[is_known] = np.array(table, np.uint8)[inverse]
    pairs = [
        f"{f'“{value}”' if are_words else value} is {CLASS_NAMES[label]}"
        for value, label in zip(distinct.tolist(), table, strict=True)
        if value != CLASS_NAMES[label]
    ]
    notes = [f"{said}, {', '.join(pairs)}." if pairs else "The labels are names of classes."]
    if not is_known.all():
        notes.append(f"{(~is_known).sum():,} of {len(values):,} images have no label.")
    return labels, notes, warnings


def likely_names(distinct: np.ndarray) -> str:
    """Return what other collections usually mean by so many numbers: the white cells of a differential count."""
    usual = {4: (1, 4, 5, 6), 5: (0, 1, 4, 5, 6)}.get(len(distinct), range(len(distinct)))
    return ",".join(CLASS_NAMES[label].replace(" ", "_") for label in usual)


def _worded(words: Sequence[str], path: Path | str, hint: str = "") -> list[int]:
    """Return the label of each word; InputError for one that is no class."""
    table = {word: class_index(word) for word in words}
    if unknown := [word for word, label in table.items() if label is None]:
        found = f"{', '.join(map(repr, unknown[:3]))}: no class has this name"
        raise refused(path, f"{found}, expected {', '.join(CLASS_NAMES)}{hint}")
    return [label for word in words if (label := table[word]) is not None]


def _named(distinct: np.ndarray, names: Sequence[str], path: Path | str) -> list[int]:
    """Return the label of each distinct value: of as many names in order, or of names counted from 0 or from 1."""
    labels = _worded(names, path)
    if len(labels) == len(distinct):
        return labels
    if distinct.dtype.kind == "i" and distinct[0] >= 0 and distinct[-1] <= len(labels):
        first = int(distinct[-1] == len(labels))
        if distinct[0] >= first:
            return [labels[value - first] for value in distinct]
    found = f"{len(labels)} names for {len(distinct)} labels ({', '.join(map(str, distinct.tolist()[:20]))})"
    raise refused(path, f"{found}, expected a name for each label in ascending order")


def _numbered(distinct: np.ndarray, path: Path) -> list[int]:
    outside = distinct[(distinct < 0) | (distinct >= len(CLASS_NAMES))]
    if len(outside):
        found = f"holds the labels {', '.join(map(str, distinct.tolist()[:20]))}"
        hint = f"names of classes, or --classes with {len(distinct)} names in ascending order"
        if distinct.tolist() == [*range(1, len(CLASS_NAMES) + 1)]:
            hint += f", perhaps --classes {likely_names(distinct)}"
        raise refused(path, f"{found}, expected numbers 0 to 7 in BloodMNIST's order, {hint}")
    return [int(value) for value in distinct]
