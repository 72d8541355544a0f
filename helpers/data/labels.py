"""Maps labels, whatever a source calls them, to the eight classes, and says how."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from helpers.data.cells import UNLABELLED
from helpers.data.constants import CLASS_NAMES
from helpers.data.names import LABEL_KEYS, class_index, is_called, words_of
from helpers.errors import refused, some_of

NO_LABEL = {"", "-", "?", "n/a", "na", "nan", "none", "null", "unknown", "unlabelled", "unlabeled", "-1", "255"}
"""What is written where an image has no label, as is NaN."""

NUMBER = r"\s*[+-]?\d{1,4}(\.0*)?\s*"


def as_words(labels: np.ndarray, path: Path | str, key: str) -> np.ndarray:
    """Return labels as stored, (N,), (N, 1) or one-hot (N, K), as (N,) words, numbers among them; raise InputError."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        is_one_hot = labels.dtype.kind in "buif" and np.isin(labels, (0, 1)).all()
        if not (is_one_hot and (labels.sum(axis=1) == 1).all()):
            raise refused(path, f"'{key}' {labels.dtype} {labels.shape} is not one-hot, expected one 1 a row")
        labels = labels.argmax(axis=1)
    labels = labels.ravel()
    return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels.astype(np.str_)


def labelled(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return those of (N,) words that are labels, as int64 if all are whole numbers, and the mask (N,) of them."""
    distinct, inverse = np.unique(words, return_inverse=True)
    plain = [word.strip().casefold().removesuffix(".0") for word in distinct.tolist()]
    is_shifted = plain == ["-1", *"0123456"]  # eight classes
    is_label = np.array([is_shifted or word not in NO_LABEL for word in plain], bool)
    if all(re.fullmatch(NUMBER, word) for word in distinct[is_label]):
        distinct = np.array([int(float(word)) if said else -1 for word, said in zip(plain, is_label, strict=True)])
    return distinct[inverse][is_label[inverse]], is_label[inverse]


def name_classes(values: np.ndarray) -> bool:
    """Return whether values (N,) or (N, 1) are words of which half or more name classes."""
    if values.dtype.kind not in "US" or values.size > len(values):
        return False
    words, _ = labelled(as_words(values, "", ""))
    distinct, counts = np.unique(words, return_counts=True)
    are_classes = [class_index(str(word)) is not None for word in distinct]
    return bool(2 * counts[are_classes].sum() >= max(1, len(words)))


def choose_labels(columns: Mapping[str, np.ndarray], path: Path | str) -> tuple[str, list[str]]:
    """Return the name of the column that says what each image is, or "" if none, and warnings; raise InputError.

    Names of classes come before numbers in a column that is called for labels. Predictions are never taken.
    """
    kept = [name for name in columns if not any(word.startswith("pred") for word in words_of(name))]
    usual = [name for name in kept if is_called(name, LABEL_KEYS)]
    named = [name for name in kept if name_classes(columns[name])]
    best = [name for name in named if name in usual] or named or usual
    if len(best) > 1:
        raise refused(path, f"“{'”, “'.join(best)}” could be the labels, expected one; remove the others")
    others = [name for name in kept if name in (*named, *usual) and name not in best]
    doubt = f"We took “{'”, “'.join(best)}” for the labels, and not “{'”, “'.join(others)}”."
    return "".join(best), [doubt] if others else []


def map_labels(
    values: np.ndarray, path: Path, classes: str = "", stored_names: Sequence[str] = ()
) -> tuple[np.ndarray, list[str], list[str]]:
    """Return (N,) uint8 labels in [0, 7] or `UNLABELLED`, what each value was taken for, and warnings of doubts.

    ``values`` (N,) are words, of which some say that there is no label (see `labelled`). Their meaning comes from
    ``classes`` (the option ``--classes``: names, separated by commas, of the distinct values in ascending order), else
    from the words themselves, else from ``stored_names``, those of the file, else from BloodMNIST's order.
    InputError if a value has no meaning.
    """
    known, is_known = labelled(values)
    if not len(known):
        raise refused(path, "holds only empty labels, expected a class for each image")
    distinct, inverse = np.unique(known, return_inverse=True)
    are_words, warnings = distinct.dtype.kind == "U", list[str]()
    names = distinct.tolist() if are_words else [*stored_names]
    if classes:
        table = _named(distinct, [name for name in re.split("[,;]", classes) if name.strip()], "--classes")
        said, told = "As --classes says", zip(map(class_index, names), table, strict=False)
        if names and (len(names) != len(table) or any(name not in (None, label) for name, label in told)):
            warnings.append(f"We used --classes, and not the names in the data ({some_of(names)}).")
    elif names:
        table, said = _named(distinct, names, path), f"By {'their names' if are_words else 'the names in the file'}"
    else:
        table, warnings = _numbered(distinct, path)
        said = "The labels are numbers without names. In the order of BloodMNIST"
    labels = np.full(len(values), UNLABELLED, np.uint8)
    labels[is_known] = np.array(table, np.uint8)[inverse]
    pairs = [
        f"{f'“{value}”' if are_words else value} is {CLASS_NAMES[label]}"
        for value, label in zip(distinct.tolist(), table, strict=True)
        if value != CLASS_NAMES[label]
    ]
    notes = [f"{said}, {some_of(pairs)}." if pairs else "The labels are names of classes."]
    if not is_known.all():
        marks = "”, “".join(sorted({*map(str.strip, values[~is_known].tolist())} - {""}))
        notes.append(f"{(~is_known).sum():,} of {len(values):,} images have no label{marks and f' (“{marks}”)'}.")
    return labels, notes, warnings


def _way_out(values: Sequence[int | str], example: str = "") -> str:
    """Return how ``--classes`` gives these values a meaning, or nothing where they are too many."""
    hint = f", or --classes with {len(values)} names, in the order {some_of(values)}{example}"
    return hint if len(values) <= 20 else ""


def _named(distinct: np.ndarray, names: Sequence[str], path: Path | str) -> list[int]:
    """Return the label of each value, of as many names or, for numbers, of names counted from 0 or 1."""
    values = distinct.tolist()
    if len(names) != len(values):
        first, last = (values[0], values[-1]) if distinct.dtype.kind == "i" else (-1, -1)
        if not (0 == first <= last < len(names) or 0 < first <= last == len(names)):
            found = f"a list of {len(names)} does not name {len(values)} labels, expected one name for each"
            raise refused(path, found + (f": {some_of(values)}" if path == "--classes" else _way_out(values)))
        names = [names[value - (first > 0)] for value in values]
    labels = [label for name in names if (label := class_index(name)) is not None]
    if len(labels) < len(names):
        unknown = some_of((repr(name[:40]) for name in names if class_index(name) is None), 3)
        mixed = "some labels are numbers and some are words. " if {*map(bool, map(words_of, names))} > {True} else ""
        found = f"{mixed}{unknown}: no class has this name, expected {', '.join(CLASS_NAMES)}"
        raise refused(path, found + ("" if path == "--classes" else _way_out(values)))
    return labels


def _numbered(distinct: np.ndarray, path: Path) -> tuple[list[int], list[str]]:
    """Return numbers as labels in BloodMNIST's order, and a warning where they may be another collection's."""
    numbers = distinct.tolist()
    usual = [number - 1 for number in numbers] if 0 < numbers[0] < numbers[-1] == len(CLASS_NAMES) else []
    if numbers[0] <= 1 and 4 <= len(numbers) == np.ptp(distinct) + 1 <= len(CLASS_NAMES):
        # what other collections usually mean by so many numbers: the white cells of a differential count
        usual = {4: [1, 4, 5, 6], 5: [0, 1, 4, 5, 6]}.get(len(numbers), [*range(len(numbers))])
    names = ",".join(CLASS_NAMES[label].replace(" ", "_") for label in usual)
    perhaps = names and f", perhaps --classes {names}"
    if numbers[0] < 0 or numbers[-1] >= len(CLASS_NAMES):
        expected = f"expected numbers 0 to 7 in BloodMNIST's order, names of classes{_way_out(numbers, perhaps)}"
        raise refused(path, f"holds the labels {some_of(numbers)}, {expected}")
    absent = [str(label) for label in range(len(CLASS_NAMES)) if label not in numbers]
    found = f"No image has the label {' or '.join(absent)}. If these are the numbers of another collection, the classes"
    settled = f"are wrong. --classes with a name for each label, in ascending order, says which they are{perhaps}."
    return numbers, [f"{found} {settled}"] if absent else []
