"""How tables are written, in one place: headings, units, digits, intervals as pairs, and names of models."""

from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Template

from helpers.notation import MODEL_NAMES, p_value, signed

COLUMNS = pd.read_csv(Path(__file__).with_name("columns.csv"), index_col="column", dtype=str).T.to_dict("list")
"""Name of a column -> its heading and its format; other names are written as they are, with two decimals.

A format is "percent" for shares in [0, 1], "points" for their differences, "p" for p-values, or a number of decimals.
Where the columns together have a name, as in a table of precision by class and model, its format is that of all.
Where a column ``x`` has ``x_low`` and ``x_high`` beside it, the three become one: 97.3 (96.3–98.1).
"""

_TABLE = Template(Path(__file__).with_name("table.html.j2").read_text("utf-8"), autoescape=True, trim_blocks=True)


def cell_text(value: Any, form: str = "1") -> str:
    """Return one cell as text: thousands separated, a dash where a value is missing, models by their names."""
    if isinstance(value, str):
        return MODEL_NAMES.get(value, value)
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "–"
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if not pd.api.types.is_number(value):
        return str(value)
    if form == "p":
        return p_value(value).removeprefix("p ").removeprefix("= ")
    if form == "points":
        return signed(100 * value)
    if form == "percent":
        return f"{100 * value:.1f}"
    decimals = "0" if pd.api.types.is_integer(value) else form
    return f"{value:z,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _with_interval(frame: pd.DataFrame, name: str, form: str) -> list[str]:
    """Return the cells of a column, each with its interval in brackets where the frame has one."""
    bounds = [f"{name}_low", f"{name}_high"]
    if bounds[0] not in frame:
        return [cell_text(value, form) for value in frame[name]]
    dash = " to " if form == "points" or (frame[bounds] < 0).any(axis=None) else "–"
    texts = frame[[name, *bounds]].map(cell_text, form=form).itertuples(index=False)
    return [f"{value} ({low}{dash}{high})" if low != "–" else value for value, low, high in texts]


def table_html(frame: pd.DataFrame) -> str:
    """Return ``frame`` as an HTML table: cells escaped, numbers right-aligned, the index as row headings.

    A nameless default index (0, 1, 2, ...) is left out. `COLUMNS` says how each column is written.
    """
    corner, columns = frame.index.name, []
    if corner is not None or not isinstance(frame.index, pd.RangeIndex):
        columns.append((corner, True, False, [cell_text(label, "2") for label in frame.index]))
    _, usual = COLUMNS.get(str(frame.columns.name), ("", "2"))
    bounds = [f"{name}_{end}" for name in frame.columns for end in ("low", "high")]
    for name in frame.columns.difference(bounds, sort=False):
        values = frame[name]
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        heading, form = COLUMNS.get(str(name), (MODEL_NAMES.get(str(name), str(name)), usual))
        columns.append((heading, False, is_number, _with_interval(frame, name, form)))
    return str(_TABLE.render(columns=columns, rows=zip(*(texts for *_, texts in columns), strict=True)))
