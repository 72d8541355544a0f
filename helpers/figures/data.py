"""The data, drawn: how many images each class has, and what their colours and sizes tell."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.data import CLASS_NAMES
from helpers.figures.style import CLASS_COLOURS, DIVERGING_MAP

CLASS_MARKERS = dict(zip(CLASS_NAMES, "os^DvPX*", strict=True))
"""Class name -> marker, so that no class is told by its colour alone."""


def draw_label_counts(labels: np.ndarray) -> Figure:
    """Return a bar per class with its number of images."""
    counts = np.bincount(labels, minlength=len(CLASS_NAMES))
    figure, axes = plt.subplots(figsize=(8, 3.8))
    bars = axes.barh(CLASS_NAMES, counts, color=list(CLASS_COLOURS.values()))
    words = [f"{count:,} ({count / counts.sum():.1%})" for count in counts]
    axes.bar_label(bars, words, padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlabel="images", xlim=(0, 1.2 * counts.max()))
    axes.grid(axis="y", visible=False)
    return figure


def draw_colour_scatter(statistics: pd.DataFrame, labels: np.ndarray, pairs: list[tuple[str, str]]) -> Figure:
    """Return a scatter plot per pair of columns (3, 6, ...), a colour and marker per class, r in each title."""
    rows = len(pairs) // 3
    figure, axes = plt.subplots(rows, 3, figsize=(9.5, 3.1 * rows + 0.9))
    for axis, (x, y) in zip(axes.flat, pairs, strict=True):
        # a few images of each class at a time, so that no class covers the others
        for some in np.array_split(np.random.default_rng(0).permutation(len(labels)), 12):
            for label, name in enumerate(CLASS_NAMES):
                axis.scatter(
                    x, y, data=statistics.iloc[some[labels[some] == label]], s=5, alpha=0.75,
                    color=CLASS_COLOURS[name], marker=CLASS_MARKERS[name], linewidths=0,
                    rasterized=True,  # thousands of points would be thousands of shapes in the page
                )  # fmt: skip
        r = statistics[x].corr(statistics[y])
        axis.set(xlabel=f"mean {x}", ylabel=f"mean {y}", title=f"r = {r:+.2f}")
    handles = [
        Line2D([], [], linestyle="", marker=CLASS_MARKERS[name], color=CLASS_COLOURS[name], label=name)
        for name in CLASS_NAMES
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def draw_correlations(statistics: pd.DataFrame) -> Figure:
    """Return the correlation matrix of the columns as a heat map with its values."""
    below = statistics.corr().iloc[1:, :-1]
    figure, axes = plt.subplots(figsize=(6, 4.8))
    sns.heatmap(
        below, mask=np.triu(np.ones_like(below, dtype=bool), 1), annot=True, fmt="+.2f", vmin=-1, vmax=1,
        cmap=DIVERGING_MAP, linewidths=1, square=True, ax=axes, cbar_kws={"label": "Pearson's r"},
    )  # fmt: skip
    axes.grid(visible=False)
    axes.tick_params(axis="y", rotation=0)
    return figure


def draw_by_class(values: pd.Series, labels: np.ndarray, unit: str) -> Figure:
    """Return a box per class of one number per image, ordered by the median."""
    names = np.array(CLASS_NAMES)[labels]
    order = values.groupby(names).median().sort_values().index.tolist()
    figure, axes = plt.subplots(figsize=(8, 3.8))
    sns.boxplot(
        x=values.to_numpy(), y=names, order=order, hue=names, hue_order=order,
        palette=CLASS_COLOURS, saturation=1, fliersize=1.5, linewidth=1, ax=axes,
    )  # fmt: skip
    axes.set(xlabel=unit, ylabel="")
    return figure
