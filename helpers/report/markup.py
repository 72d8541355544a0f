"""What notebooks hold, as HTML that is safe inside the report: prose, code, tables, figures, values."""

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mistune
from markupsafe import Markup
from nbconvert.filters import strip_ansi
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from helpers import NOTEBOOKS
from helpers.claims import VERDICTS
from helpers.figures import GRID, INK, MUTED, PAPER

_THEME_COLOURS = (
    (INK, "var(--ink)"),
    (MUTED, "var(--muted)"),
    (GRID, "var(--grid)"),
    (PAPER, "var(--paper)"),
    # What matplotlib and seaborn draw in black, dark grey or white unasked: error bars, boxes, gaps between cells.
    # Numbers on the cells of a heat map are fills; they stay, as the cells do.
    ("fill: #000000", "fill: var(--ink)"),
    (r"stroke: #([0-5][0-9a-f])\1\1\b", "stroke: var(--ink)"),
    ("stroke: #ffffff", "stroke: var(--paper)"),
)
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_SVG_ELEMENTS = {
    f"{_SVG}{name}" for name in
    ("svg", "g", "defs", "path", "use", "image", "clipPath", "pattern", "rect", "circle", "line", "polygon")
}  # fmt: skip
_TABLE_TAG = (  # exactly what show_table writes
    r"(</?(?:table|thead|tbody|tr)>|</t[hd]>|<wbr>|"
    r'<t[hd](?: scope="(?:col|row)")?(?: class="number"| style="text-align: left")?>)'
)
_BADGES = dict(zip(VERDICTS, ("yes", "partly", "no", "no", "open"), strict=True))


@dataclass
class Chapter:
    """One notebook as a chapter: its number, title, inner headings (anchor, text) and HTML body."""

    number: int
    title: str = ""
    headings: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def anchor(self) -> str:
        """Identifier of the chapter in the page."""
        return f"chapter-{self.number}"


def inline_svg(svg: str, prefix: str, alt: str) -> Markup:
    """Return a figure's SVG for use inside the page: themed, described, and with identifiers of its own.

    Only drawing elements stay, and only references within the figure and PNG images; the style's ink, paper
    and grid colours become the page's variables.
    """
    root = ElementTree.fromstring(svg)
    for element in list(root.iter()):
        for child in list(element):
            is_background = child.get("id") == "patch_1"  # the page's own shows instead
            if is_background or child.tag not in _SVG_ELEMENTS:
                element.remove(child)
        element.tag = element.tag.removeprefix(_SVG)
        named = {name.removeprefix(_XLINK): value for name, value in element.attrib.items()}
        element.attrib = {name: value for name, value in named.items() if _is_harmless(name.lower(), value)}
    root.tag = "svg"
    root.attrib.pop("height", None)
    width = float(root.get("width", "576").removesuffix("pt")) * 96 / 72
    root.attrib.update({"width": f"{width:.0f}", "role": "img", "aria-label": alt, "class": "themed"})
    text = ElementTree.tostring(root, encoding="unicode")
    text = re.sub(r' id="| href="#|url\(#', lambda found: f"{found[0]}{html.escape(prefix)}-", text)
    for colour, variable in _THEME_COLOURS:
        text = re.sub(colour, variable, text)
    return Markup(text)


def _is_harmless(name: str, value: str) -> bool:
    if name == "href":
        return value.startswith(("#", "data:image/png;"))
    return not name.startswith(("on", "{"))


def sanitised(table: str) -> Markup:
    """Return a table of `helpers.figures.show_table`: the tags it writes stay, any other markup becomes text."""
    parts = re.split(_TABLE_TAG, table)  # words, tag, words, tag, ..., words
    parts[::2] = [html.escape(html.unescape(words)) for words in parts[::2]]
    return Markup("".join(parts))


class ChapterMarkdown(mistune.HTMLRenderer):
    """Markdown as HTML: raw HTML escaped, headings below the chapter's, notebooks linked as chapters."""

    def __init__(self, chapter: Chapter, labels: dict[str, str]) -> None:
        super().__init__(escape=True)
        self.chapter, self.labels = chapter, labels
        self.level, self.anchors = 2, set[str]()

    def text(self, text: str) -> str:
        """Return text with true minus signs, in which no line breaks before a per cent sign or within ``n = 3``."""
        text = re.sub(r"(?<![\w.)\]])-(?=\d)", "\N{MINUS SIGN}", text)
        text = re.sub(r"\b([npr]) ([=<]) ", "\\1\N{NO-BREAK SPACE}\\2\N{NO-BREAK SPACE}", text)
        return super().text(re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text))

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading one level down that never skips a level; the first ``#`` becomes the title."""
        words = html.unescape(re.sub(r"<[^>]+>", "", text))
        if level == 1 and not self.chapter.title:
            self.chapter.title = re.sub(r"^\d+\s*[.·:–—-]*\s*", "", words)
            return ""
        self.level = max(3, min(level + 1, self.level + 1))
        anchor = "-".join([self.chapter.anchor, *(re.findall("[a-z0-9]+", words.lower()) or ["section"])])
        while anchor in self.anchors:
            anchor += "-again"
        self.anchors.add(anchor)
        if self.level == 3:
            self.chapter.headings.append((anchor, words))
        return f'<h{self.level} id="{anchor}">{text}</h{self.level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link; a notebook leads to its chapter and ``[figure](#fig-x)`` gets its number."""
        stem = Path(url.partition("#")[0]).stem
        if stem in NOTEBOOKS:
            number = NOTEBOOKS.index(stem) + 1
            url = "#" + (url.partition("#")[2] or f"chapter-{number}")
            text = f"chapter {number}" if Path(text).stem == stem else text
        if text.lower() in ("figure", "table"):
            text = self.labels.get(url.removeprefix("#"), text)
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return an image that is part of the notebook; anything else would need the network."""
        return super().image(text, url, title) if url.startswith("data:image/png;") else f"<em>{text}</em>"

    def table(self, text: str) -> str:
        """Return a table that scrolls inside itself."""
        return f'<div class="scroll" tabindex="0">\n<table>\n{text}</table>\n</div>\n'


def highlighted(source: str) -> Markup:
    """Return Python source as HTML with pygments' class names."""
    return Markup(highlight(source.rstrip(), PythonLexer(), HtmlFormatter(nowrap=True)))


def printed(text: str) -> str:
    """Return what a terminal would still show: no colour codes, progress bars as they ended."""
    plain: str = strip_ansi(text)  # type: ignore[no-untyped-call]
    lines = plain.rstrip().split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def words(key: str) -> str:
    """Return a results.json key as words: ``peak_memory_mib`` becomes ``Peak memory (MiB)``."""
    text = key.replace("_mib", " (MiB)").replace("_", " ").replace("sha256", "SHA-256")
    return text[:1].upper() + text[1:]


def value_text(value: Any, key: str = "") -> str:
    """Return a scalar or a list of scalars from results.json as text; ``key`` tells its unit."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and "seed" not in key:
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) <= 1 else f"{value:,.1f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(item, key) for item in value) or "–"
    return str(value)


def is_code(text: str) -> bool:
    """Tell whether a recorded value is a command, path or hash rather than words."""
    return re.fullmatch(r"[0-9a-f]{7,}|(\./|/|python ).*", text) is not None


def badge(verdict: str) -> str:
    """Return "yes", "partly", "no" or "open" for one of the five verdicts."""
    return _BADGES.get(verdict, "open")
