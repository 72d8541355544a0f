"""One look for every figure and table, and the two doors through which notebooks publish them."""

import base64
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from IPython.display import publish_display_data
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from helpers.data import CLASS_NAMES

INK, MUTED, GRID, PAPER = "#1b1f27", "#59616e", "#d9dde4", "#fffffd"
"""Text and axes, secondary text, grid lines, background: the report swaps exactly these for its theme's."""

STYLE = Path(__file__).with_name("report.mplstyle")
"""The look of every figure, in matplotlib's own format."""

PALETTE = mpl.rc_params_from_file(STYLE)["axes.prop_cycle"].by_key()["color"]
CLASS_COLOURS: dict[str, str] = dict(zip(CLASS_NAMES, PALETTE, strict=True))
"""Class name -> colour, the same in every figure, legible on white and on near-black.

Found by search: any two stay apart (CIEDE2000 of 11 or more) in normal vision and with full protanopia,
deuteranopia and tritanopia as simulated by Machado et al. 2009 (doi:10.1109/TVCG.2009.113).
"""

MODEL_COLOURS: dict[str, str] = {
    "forest": "#8da484",
    "handcrafted_best": "#056f78",
    "lenet_classic": "#269cfb",
    "lenet_custom": "#5744f7",
    "alexnet": "#b18ca6",
    "alexnet_fixed": "#e27e10",
    "cellnet": "#c90537",
}
"""Model name -> colour, found as above: in each family, the model as reported is the paler one."""

SERIES_COLOURS = ("#5744f7", "#e27e10", "#056f78", "#c90537")
"""Colours of series that are neither classes nor models."""

DIVERGING_MAP = "PuOr"
"""Colour map for signed amounts (correlations, differences), centred on zero."""

LARGEST_SVG = 1_500_000
"""Bytes above which a figure is published as PNG only, to keep the report small and quick."""


def use_style() -> None:
    """Set matplotlib's defaults so that plain ``plt.subplots()`` and seaborn calls look like this report."""
    plt.style.use(["default", STYLE])


def _publish(kind: str, words: dict[str, Any], data: dict[str, str], metadata: dict[str, Any]) -> None:
    """Publish ``data``, then its caption; ValueError where the slug is malformed or a text is empty."""
    slug, caption = words["slug"], words["caption"]
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise ValueError(
            f"slug {slug!r}: expected lower-case words joined by hyphens, such as 'label-counts'"
        )
    for name, text in words.items():
        if not str(text).strip():
            raise ValueError(f"{slug}: {name} is empty, expected a sentence")
    publish_display_data(data, metadata={kind: words} | metadata)  # type: ignore[no-untyped-call]
    # JupyterLab shows the caption as text of its own; the report takes it from the metadata and drops this.
    publish_display_data(  # type: ignore[no-untyped-call]
        {"text/markdown": f"**{kind.capitalize()}.** {caption}", "text/plain": caption},
        metadata={"caption_of": f"{kind}-{slug}"},
    )


def show_figure(figure: Figure, slug: str, *, title: str, caption: str, alt: str) -> None:
    """Publish ``figure`` with its title and caption, then close it; ValueError for a malformed slug or an empty text.

    JupyterLab shows a PNG on light paper, even where the notebook is not trusted; the report inlines and recolours an
    SVG. Only the PNG shows the title: the report sets it as text, which wraps on a phone and can be searched.
    ``slug`` is the report's link to the figure, ``#fig-SLUG``, for good. ``caption`` is Markdown: what is drawn, of how
    many cells, what bars and bands mean. ``alt`` is the finding in one sentence, for readers who cannot see the figure.
    """
    # matplotlib names pictures by their pixels: twice the same, twice the name
    for number, picture in enumerate(figure.findobj(AxesImage)):
        picture.set_gid(f"picture{number}")
    png, svg = io.BytesIO(), io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.suptitle(title, x=0.01, ha="left")
    figure.savefig(png, format="png", metadata={"Software": None})
    plt.close(figure)
    data = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": alt}
    if len(svg.getvalue()) <= LARGEST_SVG:
        data["image/svg+xml"] = svg.getvalue()
    width = int.from_bytes(png.getvalue()[16:20], "big") // 2  # of the PNG's header: CSS pixels at 2x density
    words = {"slug": slug, "title": title, "caption": caption, "alt": alt, "width": width}
    # nbconvert and others look for the alternative text under the picture's own type
    metadata = {"image/png": {"alt": alt, "width": width}, "needs_background": "light"}
    _publish("figure", words, data, metadata)


def _formatted(value: Any, decimals: int) -> str:
    """Return one cell as text: thousands separated, floats to ``decimals`` places, a dash where missing."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "–"
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if pd.api.types.is_number(value):
        return f"{value:,.{0 if pd.api.types.is_integer(value) else decimals}f}".replace("-", "−")
    return str(value)


def _cell(tag: str, text: str, is_number: bool = False, scope: str = "") -> str:
    # JupyterLab right-aligns every cell unless told; the report aligns by class.
    attributes = 'class="number"' if is_number else 'style="text-align: left"'
    words = html.escape(text).replace("_", "_<wbr>") if tag == "th" else html.escape(text)
    return f"<{tag}{scope} {attributes}>{words}</{tag}>"


def table_html(frame: pd.DataFrame, *, decimals: int | Mapping[str, int] = 3) -> str:
    """Return ``frame`` as an HTML table: cells escaped, numbers right-aligned, the index as row headings.

    A nameless default index (0, 1, 2, ...) is left out. Floats are rounded to ``decimals`` places, or to
    ``decimals[column]`` (3 where a column is not named); missing values show as a dash.
    """
    headings, columns = [], []
    corner = frame.index.name
    if corner is not None or not isinstance(frame.index, pd.RangeIndex):
        # a nameless corner is no heading: assistive technology would announce it empty
        headings.append("<td></td>" if corner is None else _cell("th", str(corner), scope=' scope="col"'))
        columns.append([_cell("th", _formatted(label, 3), scope=' scope="row"') for label in frame.index])
    for name, values in frame.items():
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        places = decimals if isinstance(decimals, int) else decimals.get(str(name), 3)
        headings.append(_cell("th", str(name), is_number, ' scope="col"'))
        columns.append([_cell("td", _formatted(value, places), is_number) for value in values])
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
    return f"<table>\n<thead><tr>{''.join(headings)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def show_table(
    frame: pd.DataFrame, slug: str, caption: str, *, decimals: int | Mapping[str, int] = 3
) -> None:
    """Publish ``frame`` as a table with a caption; the report numbers it and links to it as ``#table-SLUG``.

    ValueError for a malformed slug or an empty caption.
    """
    data = {"text/html": table_html(frame, decimals=decimals), "text/plain": frame.to_string()}
    _publish("table", {"slug": slug, "caption": caption}, data, {})
