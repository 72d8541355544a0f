"""What several figures are made of: named rows, numbers beside them, an axis for shares, and heat maps."""

from collections.abc import Iterable
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from helpers.figures.style import PAPER, PERCENT, layout


def name_rows(axes: Axes, names: Iterable[str], width: int = 16) -> None:
    """Name the rows 0, 1, ... of a chart from top to bottom, in two lines, or three of ``width`` on a telephone."""
    words = [fill(name, layout(60, width), max_lines=layout(2, 3), placeholder=" …") for name in names]
    axes.set_yticks(range(len(words)), words, fontsize=layout(9.5, 8.5))
    axes.set_ylim(len(words) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def frame_shares(axes: Axes, label: str, shares: Iterable[float], inside: Iterable[float] = ()) -> float:
    """Let the x axis start below most of the ``shares`` and all ``inside``, return where; arrows are for the others."""
    floor = max(0.0, min(np.floor(20 * np.quantile(list(shares), 0.25) - 1) / 20, min(inside, default=1.0) - 0.02))
    axes.set_xlim(floor, 1.005)
    label += f" (◂ below {PERCENT(floor)})" * int(min(shares) < floor)
    axes.xaxis.set(label_text=label, major_formatter=PERCENT)
    return float(floor)


def write_columns(axes: Axes, words: pd.DataFrame) -> None:
    """Write the columns of ``words`` with their headings to the right of a chart, a row beside each of its own."""
    look: Any = {"textcoords": "offset points", "ha": "right", "va": "center", "fontsize": layout(9.5, 8)}
    for number, (heading, column) in enumerate(words.items(), start=1):
        for row, text in enumerate([heading, *column], start=-1):
            right, across = (layout(84, 54) * number, 0), axes.get_yaxis_transform()
            axes.annotate(text, (1, row), right, xycoords=across, **look)


def fill_matrix(axes: Axes, values: pd.DataFrame, words: pd.DataFrame, colours: str) -> None:
    """Fill ``axes`` with ``words`` on the lighter ``colours`` of ``values`` in [0, 1].

    A negative value is grey, and where it is missing the cell stays empty.
    """
    scale = plt.get_cmap(colours).with_extremes(under="#d5d8dd")
    look = {"color": "#000000", "fontsize": layout(9.5, 8)}
    sns.heatmap(values, vmin=0, vmax=1.6, cmap=scale, annot=words, fmt="", annot_kws=look,
                cbar=False, linewidths=1.5, linecolor=PAPER, ax=axes)  # fmt: skip
    axes.xaxis.tick_top()
    axes.tick_params(length=0, rotation=0, labelsize=layout(9.5, 8))
    axes.grid(visible=False)
