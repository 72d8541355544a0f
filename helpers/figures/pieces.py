"""What several figures are made of: named rows, numbers beside them, shares spread near 100 %, and heat maps."""

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
    """Name the rows 0, 1, ... of a chart from top to bottom, in lines of ``width`` letters on a telephone."""
    words = [fill(name, layout(60, width)) for name in names]
    axes.set_yticks(range(len(words)), words, fontsize=layout(9.5, 8.5))
    axes.set_ylim(len(words) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def spread_high_shares(axes: Axes, label: str) -> None:
    """Let the x axis go with the cube of a share, on which 98 % and 99 % are apart and 10 % still has a place."""
    axes.set_xscale("function", functions=(lambda share: share**3, np.cbrt))
    axes.set(xlim=(-0.25, 1.005), xticks=layout([0, 0.5, 0.7, 0.8, 0.9, 1], [0.5, 0.8, 1]))
    axes.xaxis.set(label_text=f"{label}, cubic axis", major_formatter=PERCENT)


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
