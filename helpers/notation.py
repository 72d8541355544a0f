"""One notation for the numbers and names that readers see in sentences, tables and figures."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

MODEL_NAMES = {
    "forest": "random forest",
    "handcrafted_best": "support vector machine",
    "lenet_classic": "classical LeNet",
    "lenet_custom": "custom LeNet",
    "alexnet": "AlexNet",
    "alexnet_fixed": "retrained AlexNet",
    "cellnet": "cellnet",
}
"""Identifier of each tested model -> its name in text."""


def model_name(name: str) -> str:
    """Return a model's name in a sentence, as in "the random forest" and "cellnet"; another identifier as it is."""
    text = MODEL_NAMES.get(name, name)
    return text if name in (text, "alexnet") else f"the {text}"


def sentence(text: str) -> str:
    """Return ``text`` with a capital letter first, except where it starts with cellnet, which has none."""
    return text if text.startswith("cellnet") else text[:1].upper() + text[1:]


def listed(items: Iterable[str]) -> str:
    """Return items as an enumeration, as in "a", "a and b" and "a, b and c"; "none" where there is no item."""
    *first, last = list(items) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def leaders(scores: pd.Series, plural: str = "s") -> str:
    """Return the names in the index with the highest of ``scores``, as in "basophils and platelets"."""
    return listed(f"{name}{plural}" for name in scores.index[scores == scores.max()])


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, as in "1 seed" and "3 seeds"; ``plural`` is for nouns that take more than an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def out_of(count: int, total: int, noun: str, plural: str = "") -> str:
    """Return a count among a total, as in "5 of 7 models", "all 7 models", "no model" and, of one, "the only model"."""
    nouns = plural or f"{noun}s"
    if 0 < count < total:
        return f"{count:,} of {total:,} {nouns}"
    return f"no {noun}" if not count else f"the only {noun}" if total == 1 else f"all {total:,} {nouns}"


def percent(share: float, decimals: int = 1) -> str:
    """Return a share in [0, 1] as a percentage, as in "97.3 %"."""
    return f"{100 * share:.{decimals}f} %"


def percent_range(low: float, high: float) -> str:
    """Return an interval of shares, as in "96.3–98.1 %"."""
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def with_interval(score: dict[str, Any]) -> str:
    """Return the accuracy of `helpers.evaluation.score`, as in "97.3 % (95 % CI 96.3–98.1 %, n = 1,201)"."""
    return f"{percent(score['accuracy'])} (95 % CI {percent_range(*score['accuracy_ci95'])}, n = {score['n']:,})"


def signed(value: float, decimals: int = 1) -> str:
    """Return a number with its sign, as in "+0.32" and "−3.5"; what rounds to zero has none."""
    return f"{value:{'+' if round(value, decimals) else 'z'}.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def points(difference: float) -> str:
    """Return a difference between two shares in percentage points, as in "+2.7 points"."""
    return f"{signed(100 * difference)} points"


def p_value(p: float) -> str:
    """Return a p-value to two digits, as in "p = 0.012"; it is never zero, and "p undefined" where it is NaN."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}".replace("= nan", "undefined")


def worded(template: str, **values: Any) -> str:
    """Return the text of a Jinja template on one line; all names here are known in it, functions as filters, too."""
    return " ".join(_SENTENCES.from_string(template).render(values).split())


_SENTENCES = Environment(undefined=StrictUndefined, autoescape=False)
_SENTENCES.globals |= globals()
_SENTENCES.filters |= {"percent": percent, "model_name": model_name}
