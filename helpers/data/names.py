"""What the names of arrays, columns, folders and files mean: a class, a split, or that labels are inside."""

import re
import unicodedata

CODES = (
    "basophil basophilic ba bas baso",
    "eosinophil eosinophilic eo eos eosino",
    "erythroblast erb ebo normoblast nrbc",
    "ig promyelocyte pmy pmo myelocyte my myb metamyelocyte mmy mmz",
    "lymphocyte ly lym lymph lyt",
    "monocyte mo mon mono",
    "neutrophil neutrophilic ne neu neut neutro bne sne ngb ngs band stab seg segmented pmn",
    "platelet plt thrombocyte",
)
"""Words for each class: usual abbreviations, and the stages of immature granulocytes in Acevedo et al. 2020."""

LABEL_OF_WORD = {word: label for label, words in enumerate(CODES) for word in words.split()}
FILLERS = {"cell", "cells", "class", "giant", "granulocyte", "granulocytes", "large", "small", "typical", "wbc"}
"""Words that a name may have besides: "Giant platelet", "class_basophil", "WBC - neutrophil"."""

SPLIT_WORDS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "validation", "valid": "validation", "validation": "validation", "dev": "validation"},
}
"""Usual names of the splits."""

SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".avif", ".jp2"}
"""Of images; those of other formats are refused when they are read, so that none is lost."""
IMAGE_KEYS = {"image", "images", "img", "imgs", "x", "data", "pixels"}
LABEL_KEYS = {"arr", "label", "labels", "y", "target", "targets", "class", "classes"}


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case, less numbers and remarks in brackets; ``trainX`` has two."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"\(.*?\)", " ", unicodedata.normalize("NFKC", name)))
    return re.findall(r"[^\W\d_]+", re.sub(r"immature[\W_]*granulocyte", " ig", plain.casefold()))


def split_of(name: str) -> str:
    """Return "train", "validation" or "test" where the words of a name mean one, like ``TestA`` or ``y_train``."""
    splits = {SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else ""


def is_called(name: str, keys: set[str]) -> bool:
    """Return whether a name consists of such words, splits left out."""
    return set() < {word for word in words_of(name) if word not in SPLIT_WORDS} <= keys


def class_index(name: str) -> int | None:
    """Return the label 0 to 7 of a name, or None.

    All its words, splits and fillers left out, name the same class: by its name, in the plural, or abbreviated.
    """
    words = [word for word in words_of(name) if word not in SPLIT_WORDS]
    telling = [word for word in words if word not in FILLERS]
    labels = {LABEL_OF_WORD.get(word, LABEL_OF_WORD.get(word.removesuffix("s"))) for word in telling}
    is_vague = len(telling) < len(words) and max(map(len, telling), default=0) < 3  # "my cells"
    return labels.pop() if len(labels) == 1 and not is_vague else None
