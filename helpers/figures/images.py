"""The drawings of the report: each function returns a figure, which `helpers.figures.show_figure` publishes.

``labels`` are (N,) integers, in plots_* too, ``images`` (N, 48, 48, 3) uint8 and ``probabilities`` (N, 8).
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.data import CLASS_NAMES
from helpers.figures.style import (
    CLASS_COLOURS,
    CLASS_MARKERS,
    DIVERGING_MAP,
    GRID,
    MODEL_COLOURS,
    MUTED,
    SERIES_COLOURS,
)


def draw_examples(images: np.ndarray, labels: np.ndarray) -> Figure:
    """Return up to four images of each class side by side: images (N, 48, 48, 3) uint8, labels (N,)."""
    figure, axes = plt.subplots(4, len(CLASS_NAMES), figsize=(9, 5.3))
    for label, name in enumerate(CLASS_NAMES):
        members = np.flatnonzero(labels == label)
        axes[0, label].set_title(name.replace(" ", "\n"), fontsize=8.5, loc="center")
        for axis, member in zip(axes[:, label], members, strict=False):
            axis.imshow(images[member])
    for axis in axes.flat:
        axis.axis("off")
    return figure


def draw_label_counts(labels: np.ndarray) -> Figure:
    """Return a bar per class with its number of images."""
    counts = np.bincount(labels, minlength=len(CLASS_NAMES))
    figure, axes = plt.subplots(figsize=(8, 3.8))
    bars = axes.barh(list(CLASS_NAMES), counts, color=list(CLASS_COLOURS.values()))
    axes.bar_label(
        bars, [f"{count:,} ({count / counts.sum():.1%})" for count in counts], padding=4, fontsize=9
    )
    axes.invert_yaxis()
    axes.set(xlabel="images", xlim=(0, 1.2 * counts.max()))
    axes.grid(axis="y", visible=False)
    return figure


def draw_colour_scatter(statistics: pd.DataFrame, labels: np.ndarray, pairs: list[tuple[str, str]]) -> Figure:
    """Return a scatter plot per pair of columns (3, 6, ...), a colour and marker per class, r in each title."""
    rows = len(pairs) // 3
    figure, axes = plt.subplots(rows, 3, figsize=(9.5, 3.1 * rows + 0.9))
    for axis, (x, y) in zip(axes.flat, pairs, strict=True):
        # in small mixed helpings, so that no class covers the others
        for helping in np.array_split(np.random.default_rng(0).permutation(len(labels)), 12):
            for label, name in enumerate(CLASS_NAMES):
                chosen = helping[labels[helping] == label]
                axis.scatter(
                    statistics[x].to_numpy()[chosen], statistics[y].to_numpy()[chosen], s=5, alpha=0.75,
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
    correlations = statistics.corr()
    figure, axes = plt.subplots(figsize=(6, 4.8))
    below = np.triu(np.ones_like(correlations, dtype=bool))
    sns.heatmap(
        correlations.iloc[1:, :-1], mask=below[1:, :-1], annot=True, fmt="+.2f", vmin=-1, vmax=1,
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


def draw_confusion(matrix: np.ndarray) -> Figure:
    """Return a confusion matrix: counts as text, errors shaded by their number, right answers left plain."""
    errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    figure, axes = plt.subplots(figsize=(7.6, 6))
    sns.heatmap(
        errors, mask=matrix == 0, annot=matrix, fmt="d", cmap="YlOrRd", vmin=0, square=True, linewidths=0.5,
        linecolor=GRID, xticklabels=CLASS_NAMES, yticklabels=CLASS_NAMES, ax=axes,
        cbar_kws={"label": "images, errors only"},
    )  # fmt: skip
    axes.grid(visible=False)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(axis="x", rotation=40)
    plt.setp(axes.get_xticklabels(), ha="right")
    return figure


def draw_comparison(
    scores: dict[str, dict[str, Any]], reported: dict[str, float], labels: dict[str, str], n: int
) -> Figure:
    """Return each model's accuracy with its 95 % interval, best first, and a cross where the report put it.

    The axis starts a little below the lowest accuracy above one half; lower ones are written at its edge.
    """
    ordered = sorted(scores, key=lambda name: -scores[name]["accuracy"])
    values = [scores[name]["accuracy"] for name in ordered] + list(reported.values())
    learnt = [value for value in values if value > 0.5]
    floor = np.floor(20 * (min(learnt) - 0.02)) / 20 if 0 < len(learnt) < len(values) else None
    figure, axes = plt.subplots(figsize=(7, 0.55 * len(scores) + 1.6))
    for row, name in enumerate(ordered):
        accuracy, (low, high) = scores[name]["accuracy"], scores[name]["accuracy_ci95"]
        if floor is not None and accuracy < floor:
            axes.annotate(f"◀ {accuracy:.4f}", (floor, row), (4, 0), textcoords="offset points", va="center")
        else:
            axes.errorbar(
                accuracy, row, xerr=[[accuracy - low], [high - accuracy]], fmt="o", color=MODEL_COLOURS[name],
                markersize=7, linewidth=2.2,
            )  # fmt: skip
            axes.annotate(f"{accuracy:.4f}", (accuracy, row), (0, 8), textcoords="offset points", ha="center")
    rows = [row for row, name in enumerate(ordered) if name in reported]
    if rows:
        places = [reported[ordered[row]] for row in rows]
        axes.plot(places, rows, "x", color=MUTED, markersize=8, markeredgewidth=2, label="as reported")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1))
    axes.set_yticks(range(len(ordered)), [labels.get(name, name) for name in ordered])
    axes.set_ylim(len(ordered) - 0.4, -0.7)
    axes.set_xlim(left=floor)
    axes.set(xlabel=f"top-1 accuracy on {n:,} test images, with 95 % interval")
    return figure


def draw_dots(table: pd.DataFrame, reference: float, reference_name: str, unit: str) -> Figure:
    """Return one row of dots per row of the table, one marker per column, and a line at ``reference``."""
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(table) + 1.6))
    for column, marker, colour in zip(table.columns, "oD", SERIES_COLOURS, strict=False):
        axes.plot(table[column], range(len(table)), marker, color=colour, markersize=8, label=column)
        for row, value in enumerate(table[column]):
            axes.annotate(
                f"{value:.3f}", (value, row), (0, 8), textcoords="offset points", ha="center", fontsize=8.5
            )
    axes.axvline(reference, color=MUTED, linestyle="--", label=reference_name)
    axes.set_yticks(range(len(table)), [str(name) for name in table.index])
    axes.set_ylim(len(table) - 0.4, -0.7)
    axes.set(xlabel=unit)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def draw_learning_curves(curve: pd.DataFrame) -> Figure:
    """Return accuracy (one column per model) against the number of training images (the index)."""
    figure, axes = plt.subplots(figsize=(7, 3.8))
    for name in curve.columns:
        axes.plot(curve.index, curve[name], marker="o", color=MODEL_COLOURS[name], label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(curve.index, [f"{count:,}" for count in curve.index])
    axes.minorticks_off()
    axes.set(xlabel="training images", ylabel="validation accuracy")
    axes.legend(loc="lower right")
    return figure
