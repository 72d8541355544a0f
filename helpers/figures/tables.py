"""How tables are written, in one place: headings, units, digits, intervals as pairs, and names of models."""

import html
from typing import Any

import pandas as pd

from helpers.notation import MODEL_NAMES, p_value, signed

Format = str | int
"""Of a column's numbers: "percent" for shares in [0, 1], "points" for their differences, "p", or decimal places."""

COLUMNS: dict[str, tuple[str, Format]] = {
    "accuracy": ("accuracy, %", "percent"),
    "val_accuracy": ("validation accuracy, %", "percent"),
    "test_accuracy": ("test accuracy, %", "percent"),
    "balanced_accuracy": ("balanced accuracy, %", "percent"),
    "macro_f1": ("macro-F1, %", "percent"),
    "macro_roc_auc": ("ROC-AUC", 4),
    "log_loss": ("log loss", 3),
    "brier": ("Brier score", 3),
    "params": ("parameters", 0),
    "train_seconds": ("training, s", 0),
    "p": ("p", "p"),
    "seed_sd": ("sd over seeds, points", "percent"),
    "precision": ("precision, %", "percent"),
    "roc_auc": ("ROC-AUC", 4),
    "a": ("model A", 0),
    "b": ("model B", 0),
    "only_a": ("only A correct", 0),
    "only_b": ("only B correct", 0),
    "ece": ("ECE, %", "percent"),
    "ece_calibrated": ("ECE after, %", "percent"),
    "ece_by_chance": ("ECE by chance, %", "percent"),
    "log_loss_calibrated": ("log loss after", 3),
    "threshold": ("confidence up to, %", "percent"),
    "reviewed": ("images reviewed, %", "percent"),
    "errors_seen": ("errors found", 0),
    "errors": ("of", 0),
    "share_seen": ("share of errors found, %", "percent"),
    "rest_accuracy": ("accuracy of the rest, %", "percent"),
    "clean": ("unchanged, %", "percent"),
    "corrupted": ("corrupted, %", "percent"),
    "difference": ("difference, points", "points"),
    "worst": ("worst corruption", 0),
    "under_worst": ("accuracy there, %", "percent"),
    "mflops": ("MFLOP per image", 1),
    "train_minutes": ("training, minutes", 2),
    "train_wh": ("energy, Wh", 2),
    "single_ms": ("one image, ms", 1),
    "batch_ms": ("image in a batch, ms", 2),
    "accepted": ("accepted without review, %", "percent"),
    "accepted_accuracy": ("accuracy of these, %", "percent"),
}
"""Name of a column -> its heading and its format; other names are written as they are, with two decimals.

Where the columns together have a name, as in a table of precision by class and model, its format is that of all.

Where a column ``x`` has ``x_low`` and ``x_high`` beside it, the three become one: 97.3 (96.3–98.1).
"""


def _text(value: Any, form: Format) -> str:
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
    decimals = 0 if pd.api.types.is_integer(value) else form
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _with_interval(frame: pd.DataFrame, name: str, form: Format) -> list[str]:
    """Return the cells of a column, each with its interval in brackets where the frame has one."""
    bounds = [f"{name}_low", f"{name}_high"]
    if not set(bounds) <= set(frame.columns):
        return [_text(value, form) for value in frame[name]]
    rows = frame[[name, *bounds]].itertuples(index=False)
    texts = ([_text(value, form) for value in row] for row in rows)
    dash = " to " if form == "points" else "–"
    return [f"{value} ({low}{dash}{high})" if low != "–" else value for value, low, high in texts]


def _cell(tag: str, text: str, is_number: bool = False, scope: str = "") -> str:
    # JupyterLab right-aligns every cell unless told; the report aligns by class.
    attributes = 'class="number"' if is_number else 'style="text-align: left"'
    words = html.escape(text).replace("_", "_<wbr>") if tag == "th" else html.escape(text)
    return f"<{tag}{scope} {attributes}>{words}</{tag}>"


def table_html(frame: pd.DataFrame) -> str:
    """Return ``frame`` as an HTML table: cells escaped, numbers right-aligned, the index as row headings.

    A nameless default index (0, 1, 2, ...) is left out. `COLUMNS` says how each column is written.
    """
    headings, columns = [], []
    corner = frame.index.name
    if corner is not None or not isinstance(frame.index, pd.RangeIndex):
        # a nameless corner is no heading: assistive technology would announce it empty
        headings.append("<td></td>" if corner is None else _cell("th", str(corner), scope=' scope="col"'))
        columns.append([_cell("th", _text(label, 2), scope=' scope="row"') for label in frame.index])
    _, usual = COLUMNS.get(str(frame.columns.name), ("", 2))
    bounds = {f"{name}_{end}" for name in frame.columns for end in ("low", "high")}
    for name in frame.columns.drop(list(bounds & set(frame.columns))):
        values = frame[name]
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        heading, form = COLUMNS.get(str(name), (MODEL_NAMES.get(str(name), str(name)), usual))
        headings.append(_cell("th", heading, is_number, ' scope="col"'))
        columns.append([_cell("td", text, is_number) for text in _with_interval(frame, name, form)])
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
    return f"<table>\n<thead><tr>{''.join(headings)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
