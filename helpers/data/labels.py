"""Maps labels, whatever a source calls them, to the eight classes, and says how."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from helpers.data.cells import UNLABELLED
from helpers.data.constants import CLASS_NAMES
from helpers.errors import InputError, refused

CODES = (
    "basophil ba bas baso",
    "eosinophil eo eos eosino",
    "erythroblast erb ebo normoblast nrbc",
    "ig promyelocyte pmy pmo myelocyte my myb metamyelocyte mmy mmz",
    "lymphocyte ly lym lymph lyt",
    "monocyte mo mon mono",
    "neutrophil ne neu neut neutro bne sne ngb ngs band stab seg segmented pmn",
    "platelet plt thrombocyte",
)
"""Words for each class: usual abbreviations, and the stages of immature granulocytes in Acevedo et al. 2020."""

LABEL_OF_WORD = {word: label for label, words in enumerate(CODES) for word in words.split()}
FILLERS = {"cell", "cells", "class", "giant", "typical", "wbc"}
"""Words that a name may have besides: "Giant platelet", "class_basophil", "WBC - neutrophil"."""

NO_LABEL = {"", "-", "?", "n/a", "na", "nan", "none", "null", "unknown", "unlabelled", "unlabeled", "-1", "255"}
"""What is written where an image has no label, as is NaN."""

NUMBER = r"\s*[+-]?\d{1,4}(\.0*)?\s*"


def class_index(name: str) -> int | None:
    """Return the label 0 to 7 of a name, or None.

    All its words, numbers and fillers left out, name the same class: by its name, in the plural, or abbreviated.
    """
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"\(.*?\)", " ", unicodedata.normalize("NFKC", name)))
    plain = re.sub(r"immature[\W_]*granulocyte", " ig", plain.casefold())
    words = [word for word in re.findall(r"[^\W_]+", plain) if not word.isdecimal()]
    telling = [word for word in words if word not in FILLERS]
    labels = {LABEL_OF_WORD.get(word, LABEL_OF_WORD.get(word.removesuffix("s"))) for word in telling}
    is_vague = len(telling) < len(words) and max(map(len, telling), default=0) < 3  # "my cells"
    return labels.pop() if len(labels) == 1 and not is_vague else None


def as_values(labels: np.ndarray, path: Path, key: str) -> np.ndarray:
    """Return labels as stored, (N,), (N, 1) or one-hot (N, K), as (N,) whole numbers or words; raise InputError."""
    found = f"'{key}' {labels.dtype} {labels.shape}"
    if labels.ndim == 2 and labels.shape[1] > 1:
        is_one_hot = labels.dtype.kind in "buif" and np.isin(labels, (0, 1)).all()
        if not (is_one_hot and (labels.sum(axis=1) == 1).all()):
            raise refused(path, f"{found} is not one-hot, expected one 1 a row")
        return np.asarray(labels.argmax(axis=1))
    labels = labels.ravel()
    if labels.dtype.kind in "US":
        return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
    if labels.dtype.kind not in "uif":
        raise refused(path, f"'{key}' is {labels.dtype}, expected whole numbers or names (labels.astype(str))")
    broken = labels[np.isinf(labels) | (labels != np.floor(labels)) & ~np.isnan(labels)]
    if len(broken):
        raise refused(path, f"'{key}' holds the label {broken[0]}, expected whole numbers and nothing infinite")
    return labels.astype(np.str_ if np.isnan(labels).any() else np.int64)


def labelled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return those of (N,) numbers or words that are labels, numbers in words as int64, and the mask (N,) of them."""
    distinct, inverse = np.unique(values.astype(np.str_), return_inverse=True)
    plain = [word.strip().casefold().removesuffix(".0") for word in distinct.tolist()]
    is_shifted = plain == ["-1", *"0123456"]  # eight classes
    is_label = np.array([is_shifted or word not in NO_LABEL for word in plain], bool)
    if all(re.fullmatch(NUMBER, word) for word in distinct[is_label]):
        distinct = np.array([int(float(word)) if said else -1 for word, said in zip(plain, is_label, strict=True)])
    return distinct[inverse][is_label[inverse]], is_label[inverse]


def classes_named(values: np.ndarray) -> set[int | None]:
    """Return which labels the words of an array mean, None among them for a word that is no class; none for numbers."""
    if values.dtype.kind not in "US":
        return set()
    known, _ = labelled(as_values(values.ravel(), Path(), ""))
    return {class_index(word) for word in set(known.tolist())} if known.dtype.kind == "U" else set()


def map_labels(
    values: np.ndarray, path: Path, classes: str = "", stored_names: Sequence[str] = ()
) -> tuple[np.ndarray, list[str], list[str]]:
    """Return (N,) uint8 labels in [0, 7] or `UNLABELLED`, what each value was taken for, and warnings of doubts.

    ``values`` (N,) are whole numbers or words, of which some say that there is no label (see `labelled`). Their meaning
    comes from ``classes`` (the option ``--classes``: names, separated by commas, of the distinct values in ascending
    order), else from the words themselves, else from ``stored_names``, those of the file, else from BloodMNIST's order.
    InputError if a value has no meaning.
    """
    known, is_known = labelled(values)
    if not len(known):
        raise refused(path, "holds only empty labels, expected a class for each image")
    distinct, inverse = np.unique(known, return_inverse=True)
    are_words, warnings = distinct.dtype.kind == "U", list[str]()
    if classes:
        names = [name for name in classes.split(",") if name.strip()]
        (table, warnings), said = _named(distinct, names, "--classes"), "As --classes says"
    elif are_words:
        table, said = _worded(distinct.tolist(), path, _hint(distinct.tolist())), "By their names"
    elif stored_names:
        (table, warnings), said = _named(distinct, stored_names, path), "By the names in the file"
    else:
        table, warnings = _numbered(distinct, path)
        said = "The labels are numbers without names. In the order of BloodMNIST"
    labels = np.full(len(values), UNLABELLED, np.uint8)
    labels[is_known] = np.array(table, np.uint8)[inverse]
    if classes and (are_words or stored_names):
        with suppress(InputError):  # names that cannot be used contradict nothing
            others, (said_else, *_), _ = map_labels(values, path, "", stored_names)
            if count := (others != labels).sum():
                found = f"--classes contradicts the names in the data, for {count:,} of {len(values):,} images."
                warnings.append(f"{found} Without it they are used. {said_else}")
    pairs = [
        f"{f'“{value}”' if are_words else value} is {CLASS_NAMES[label]}"
        for value, label in zip(distinct.tolist(), table, strict=True)
        if value != CLASS_NAMES[label]
    ]
    pairs = [*pairs[:20], f"and {len(pairs) - 20} others alike"] if len(pairs) > 21 else pairs
    notes = [f"{said}, {', '.join(pairs)}." if pairs else "The labels are names of classes."]
    if not is_known.all():
        marks = ", ".join(f"“{mark}”" for mark in sorted({str(value).strip() for value in values[~is_known]} - {""}))
        notes.append(f"{(~is_known).sum():,} of {len(values):,} images have no label{marks and f' ({marks})'}.")
    return labels, notes, warnings


def _hint(words: Sequence[str]) -> str:
    """Return the way out by ``--classes``, or nothing where it would not help."""
    are_folders = any(re.match("train|test|val|dev|fold|split|image|mask|patient", word, re.I) for word in words)
    order = f"the order {', '.join(words)}" if sum(map(len, words)) <= 250 else "alphabetical order"
    return "" if are_folders or len(words) > 20 else f", or --classes with {len(words)} names, in {order}"


def _worded(words: Sequence[str], path: Path | str, hint: str = "") -> list[int]:
    """Return the label of each word; InputError for one that is no class."""
    table = {word: class_index(word) for word in words}
    if unknown := [word for word, label in table.items() if label is None]:
        found = f"{', '.join(repr(word[:40]) for word in unknown[:3])}: no class has this name"
        raise refused(path, f"{found}, expected {', '.join(CLASS_NAMES)}{hint}")
    return [label for word in words if (label := table[word]) is not None]


def _named(distinct: np.ndarray, names: Sequence[str], path: Path | str) -> tuple[list[int], list[str]]:
    """Return the label of each value, of as many names or of names counted from 0 or 1, and a warning if both fit."""
    values = distinct.tolist()
    if len(names) == len(values):
        return _worded(names, path), []
    first = int(values[-1] == len(names))
    if distinct.dtype.kind != "i" or not first <= values[0] <= values[-1] < len(names) + first:
        found = f"{len(names)} names for {len(values)} labels ({', '.join(map(str, values[:20]))})"
        raise refused(path, f"{found}, expected a name for each label in ascending order")
    is_doubtful = values[0] > first == 0 and class_index(names[values[0] - 1]) is not None
    doubt = f"We counted the {len(names)} names from 0. If they count from 1, give --classes with {len(values)} names."
    return _worded([names[value - first] for value in values], path), [doubt] if is_doubtful else []


def _numbered(distinct: np.ndarray, path: Path) -> tuple[list[int], list[str]]:
    """Return numbers as labels in BloodMNIST's order, and a warning where they may be another collection's."""
    numbers, perhaps = distinct.tolist(), ""
    if 4 <= len(numbers) == np.ptp(distinct) + 1 <= len(CLASS_NAMES):
        # what other collections usually mean by so many numbers: the white cells of a differential count
        usual = {4: (1, 4, 5, 6), 5: (0, 1, 4, 5, 6)}.get(len(numbers), range(len(numbers)))
        perhaps = f", perhaps --classes {','.join(CLASS_NAMES[label].replace(' ', '_') for label in usual)}"
    if numbers[0] < 0 or numbers[-1] >= len(CLASS_NAMES):
        found = f"holds the labels {', '.join(map(str, numbers[:20]))}"
        hint = f", or --classes with {len(numbers)} names in ascending order{perhaps}" if len(numbers) <= 20 else ""
        raise refused(path, f"{found}, expected numbers 0 to 7 in BloodMNIST's order, names of classes{hint}")
    absent = [str(label) for label in range(len(CLASS_NAMES)) if label not in numbers]
    found = f"No image has the label {' or '.join(absent)}. If these are the numbers of another collection, the classes"
    settled = f"are wrong. --classes with a name for each label, in ascending order, says which they are{perhaps}."
    return numbers, [f"{found} {settled}"] if absent else []
