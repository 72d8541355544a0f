"""The list of references, and how this report itself is cited."""

from functools import cache
from typing import Any

import yaml
from markupsafe import Markup
from pybtex.backends.html import Backend
from pybtex.database import parse_file
from pybtex.style.formatting.unsrt import Style
from pybtex.style.template import Node, field, join, sentence

from helpers.files import ROOT

BIBLIOGRAPHY = ROOT / "notebooks" / "references.bib"
LINKS = {"doi": "https://doi.org/", "eprint": "https://arxiv.org/abs/", "url": ""}
"""Fields by which a notebook may cite an entry, and what precedes them in a link."""

CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
"""How this report itself is cited: the fields of CITATION.cff."""


class _QuotedTitles(Style):  # type: ignore[misc]
    def format_title(self, entry: Any, which_field: str, as_sentence: bool = True) -> Node:
        return sentence[join["“", field(which_field), "”"]]


@cache
def keys_by_link() -> dict[str, str]:
    """Return the key of each reference by each link that cites it, in lower case."""
    entries = parse_file(BIBLIOGRAPHY).entries.items()
    named = ((key, start, entry.fields.get(name)) for key, entry in entries for name, start in LINKS.items())
    return {f"{start}{value}".lower(): key for key, start, value in named if value}


def reference_list() -> dict[str, Markup]:
    """Return each reference as HTML by its key, in alphabetical order."""
    style = _QuotedTitles(name_style="lastfirst", abbreviate_names=True)
    formatted = style.format_bibliography(parse_file(BIBLIOGRAPHY))
    return {each.key: Markup(each.text.render(Backend())) for each in formatted}
