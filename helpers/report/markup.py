"""The content of notebooks as safe HTML for the report: prose, code, tables, figures and values."""

import html
import re
from pathlib import Path
from typing import Any

import mistune
from markupsafe import Markup
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from helpers import NOTEBOOKS
from helpers.figures import GRID, INK, MUTED, PAPER
from helpers.report.references import keys_by_link

_REPLACEMENTS = (
    # What comes before the drawing, its licence, a style that would hold for all of the page, and the background go.
    (r'(?s)^.*?(?=<svg)|<metadata>.*?</metadata>|<style.*?</style>|<g id="patch_1">.*?</g>|xlink:(?=href)', ""),
    (r"(?<=px )'DejaVu Sans'[^;\"]*", "var(--sans)"),
    (INK, "var(--ink)"),
    (MUTED, "var(--muted)"),
    (GRID, "var(--grid)"),
    (PAPER, "var(--paper)"),
    # matplotlib and seaborn draw error bars, boxes and gaps between cells in black, dark grey or white by default.
    # Numbers on the cells of a heat map are fills and stay, as the cells do.
    ("fill: #000000", "fill: var(--ink)"),
    (r"stroke: #([0-5][0-9a-f])\1\1\b", "stroke: var(--ink)"),
    ("stroke: #ffffff", "stroke: var(--paper)"),
)
_NEVER_BROKEN = (
    r"(?<=\d) (?=[%±]|to [+−])|(?<=±) (?=\d)|(?<=\d to) (?=[+−])|(?<=%) (?=CI)|(?<=CI) (?=\d)"
    r"|(?<=\b[npr]) (?=[=<] )|(?<=\b[npr] [=<]) "
)


def inline_svg(svg: str, prefix: str, alt: str) -> Markup:
    """Return matplotlib's SVG for use inside the page, themed, described and with its own identifiers.

    The style's ink, paper and grid colours and its font become the page's variables.
    """
    for pattern, replacement in _REPLACEMENTS:
        svg = re.sub(pattern, replacement, svg)
    _, width, view, content = re.split(r'^<svg .*?width="([\d.]+)pt".*? (viewBox="[^"]+").*?>', svg, maxsplit=1)
    start = Markup('<svg class="themed" role="img" aria-label="{}" width="{:.0f}" {}>')
    content = re.sub(r' id="| href="#|url\(#', rf"\g<0>{prefix}-", content)
    return start.format(alt, float(width) * 96 / 72, Markup(view)) + Markup(content)


class Chapter(mistune.HTMLRenderer):
    """One notebook as a chapter: its finding, its Markdown as HTML, and the title and headings (anchor, text) met.

    Raw HTML is escaped, headings are below the chapter's, and links to notebooks lead to their chapters.
    """

    def __init__(self, number: int) -> None:
        super().__init__(escape=True)
        self.number, self.anchor = number, f"chapter-{number}"
        self.title, self.finding, self.headings, self.body = "", "", list[tuple[str, str]](), Markup()
        self.parser = mistune.create_markdown(renderer=self, plugins=["table"])

    def markdown(self, text: str) -> Markup:
        return Markup(self.parser(text))

    def inline_markdown(self, text: str) -> Markup:
        """Return Markdown as HTML without headings, lists or paragraphs."""
        return Markup(self.render_tokens(self.parser.inline(text, {"ref_links": {}}), mistune.BlockState()))

    def text(self, text: str) -> str:
        """Return text without a line break before a % sign, in an interval, or around = and <."""
        return super().text(re.sub(_NEVER_BROKEN, "\N{NO-BREAK SPACE}", text))

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading one level down; the first ``#`` becomes the title, and the contents list each ``##``."""
        words = html.unescape(re.sub(r"<[^>]+>", "", text))
        if level == 1:
            self.title = re.sub(r"^\d+ · ", "", words)
            return ""
        anchor = "-".join([self.anchor, *re.findall("[a-z0-9]+", words.lower())])
        if level == 2:
            self.headings.append((anchor, words))
        return f'<h{level + 1} id="{anchor}">{text}</h{level + 1}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link: to the chapter for a notebook, and to its entry for a reference."""
        if key := keys_by_link().get(url.lower()):
            return f'<a class="citation" href="#ref-{key}">{text}</a>'
        stem = Path(url).stem
        if stem in NOTEBOOKS:
            chapter = NOTEBOOKS.index(stem) + 1
            url, text = f"#chapter-{chapter}", f"chapter {chapter}" if text == stem else text
        return super().link(text, url, title)

    def block_code(self, code: str, info: str | None = None) -> str:
        """Return a block of code that scrolls inside itself, with colours if it is Python."""
        shown = highlighted(code) if info == "python" else html.escape(code.rstrip())
        return f'<pre class="listing" tabindex="0"><code>{shown}</code></pre>\n'


def highlighted(source: str) -> Markup:
    """Return Python source as HTML with pygments' class names."""
    return Markup(highlight(source.rstrip(), PythonLexer(), HtmlFormatter(nowrap=True)))
