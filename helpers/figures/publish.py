"""The doors through which notebooks publish: a figure, a table, and what a chapter found."""

import io
import re
import tomllib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd
from IPython.core.pylabtools import print_figure, retina_figure
from IPython.display import DisplayHandle, Markdown, display, publish_display_data
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from helpers.data import Cells
from helpers.figures.style import NARROW
from helpers.figures.tables import table_html
from helpers.notation import sentence, worded

NARROW_SVG = "application/x-narrow-svg"
"""Media type under which the layout for a telephone is kept beside the other; JupyterLab passes it by."""

WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
"""By kind of figure, its finding and its alternative text as templates."""


@dataclass
class Drawing:
    """A figure, and what it shows in words."""

    figure: Figure
    finding: str  # its title, a sentence without a full stop that is true of the data drawn
    alt: str  # the kind of chart and the trend, for readers who cannot see it
    n: int | None = None  # number of images that it rests on, for the end of the caption
    narrow: Figure | None = None  # the same figure for a telephone, from `in_two_layouts`


def described(figure: Figure, kind: str, n: int | None, **values: Any) -> Drawing:
    """Return a drawing with the `WORDS` for its kind, filled with ``values``."""
    finding, alt = (worded(WORDS["shared"]["macros"] + WORDS[kind][each], n=n, **values) for each in ("finding", "alt"))
    return Drawing(figure, sentence(finding), alt, n)


_Draw = TypeVar("_Draw", bound=Callable[..., Drawing | None])


def in_two_layouts(draw: _Draw) -> _Draw:
    """Let a drawing function draw twice, for a page and for a telephone; `helpers.figures.style.layout` tells which."""

    @wraps(draw)
    def draw_both(*args: Any, **options: Any) -> Drawing | None:
        drawing = draw(*args, **options)
        with plt.rc_context({"figure.figsize": NARROW}):
            if drawing is not None and (narrow := draw(*args, **options)):
                drawing.narrow = narrow.figure
        return drawing

    return cast(_Draw, draw_both)


def publish(kind: str, words: dict[str, Any], data: dict[str, Any], n: int | None, **metadata: Any) -> None:
    """Publish ``data`` about ``n`` images between its title, if it has one, and its caption.

    The report takes them from the metadata of the data, and passes by what stands around. ValueError for a bad slug.
    """
    around = {"words_of": f"{kind}-{words['slug']}"}
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", words["slug"]):
        raise ValueError(f"slug {words['slug']!r}: expected lower-case words and hyphens")
    words["caption"] += "" if n is None else f" n = {n:,}."
    if "title" in words:
        display(Markdown(f"**{words['title']}**"), metadata=around)
    publish_display_data(data, metadata={kind: words} | metadata)
    display(Markdown(f"**{kind.capitalize()}.** {words['caption']}"), metadata=around)


def show_figure(drawing: Drawing | None, slug: str, caption: str) -> None:
    """Publish a drawing with its finding above and its caption below, then close it; None shows nothing.

    JupyterLab shows the PNG or the SVG on light paper; the report inlines and recolours the SVG. ``slug`` is
    the report's link to the figure, ``#fig-SLUG``, for good. ``caption`` is Markdown: what is drawn, and what bars and
    symbols mean. ValueError for a malformed slug.
    """
    if drawing is None:
        return
    png, size = retina_figure(drawing.figure, metadata={"Software": None})
    small = io.BytesIO()  # a palette halves it at least
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(small, "png", optimize=True)
    data = {"image/png": b64encode(small.getvalue()).decode(), "text/plain": drawing.alt} | drawn(drawing)
    words = {"slug": slug, "title": drawing.finding, "caption": caption, "alt": drawing.alt}
    # nbconvert and others look for the alternative text under the picture's own type
    about = {"image/png": size | {"alt": drawing.alt}, "needs_background": "light"}
    publish("figure", words, data, drawing.n, **about)


def drawn(drawing: Drawing) -> dict[str, str]:
    """Return the SVG of a drawing, and that of its layout for a telephone, by media type, and close it."""
    svgs, constant = {}, {"Date": None, "Creator": None}  # the same bytes for the same figure
    for media, figure in (("image/svg+xml", drawing.figure), (NARROW_SVG, drawing.narrow)):
        if figure is not None:
            svgs[media] = print_figure(figure, "svg", dpi=192, metadata=constant)
            plt.close(figure)
    return svgs


def show_table(frame: pd.DataFrame, slug: str, caption: str, *, n: int | None = None, folded: bool = False) -> None:
    """Publish ``frame`` as a table with a caption, written as `helpers.figures.tables` has it; nothing if it is empty.

    The report numbers it and links to it as ``#table-SLUG``. ``n`` is the number of images that it rests on, for the
    end of the caption. The report keeps a ``folded`` table closed until a reader opens it. ValueError for a malformed
    slug.
    """
    if frame.empty:
        return
    words = {"slug": slug, "caption": caption, "folded": folded}
    publish("table", words, {"text/html": table_html(frame), "text/plain": frame.to_string()}, n)


def open_chapter(cells: Cells) -> DisplayHandle:
    """Show where the cells come from, and hold a place for the chapter's finding, which `conclude` fills."""
    source = f"> {len(cells):,} images from {cells.source}."
    if cells.is_synthetic:
        source = "> **Synthetic cells.** This project generated them, so no result below is about blood."
    waiting = Markdown("*The finding appears here when the chapter has run.*")
    display(Markdown(source))
    return display(waiting, display_id=True)  # type: ignore[no-any-return]


def conclude(chapter: DisplayHandle, finding: str, *others: str) -> None:
    """Show the chapter's findings, sentences of Markdown, and the first of them at its beginning."""
    # the report takes it from the metadata and sets it below the chapter's title
    chapter.update(Markdown(f"**{finding}**"), metadata={"finding": finding})
    display(Markdown("\n".join(f"- {each}" for each in (finding, *others))))
