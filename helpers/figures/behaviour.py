"""How models behave away from home, drawn: corrupted images, shifted colours, cells of another laboratory."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.style import INK, MODEL_COLOURS, MUTED

MODEL_MARKERS = dict(zip(MODEL_COLOURS, "oDs^vXP", strict=True))
"""Model name -> marker, so that no model is told by its colour alone."""


def _draw_models(axes: Axes, title: str, table: pd.DataFrame, x: str) -> None:
    """Draw accuracy against ``x``, a line, colour and marker per model, and the accuracy of guessing."""
    for model, rows in table.groupby("model", sort=False):
        axes.plot(
            x, "accuracy", data=rows, color=MODEL_COLOURS[str(model)], marker=MODEL_MARKERS[str(model)],
            markersize=4.5, linewidth=1.5, label=str(model), clip_on=False,
        )  # fmt: skip
    axes.axhline(1 / len(CLASS_NAMES), color=MUTED, linestyle=":", linewidth=1.2, label="guessing, 1 in 8")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_title(title, fontsize=10.5, pad=5)


def draw_corruption_curves(table: pd.DataFrame) -> Figure:
    """Return a panel per corruption, accuracy over severity, from the table of `corrupt_and_score`."""
    figure, axes = plt.subplots(4, 3, figsize=(8, 9), sharex=True, sharey=True)
    *panels, legend = axes.flat
    for axis, name in zip(panels, evaluation.CORRUPTIONS, strict=True):
        shown = table[(table["severity"] == 0) | (table["corruption"] == name)]
        _draw_models(axis, name, shown, "severity")
    for axis in panels[-3:]:
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("severity")
    for axis in axes[:, 0]:
        axis.set_ylabel("top-1 accuracy")
    axes[0, 0].set_xticks(range(6))
    legend.axis("off")
    legend.legend(*axes[0, 0].get_legend_handles_labels(), loc="center", fontsize=10.5)
    return figure


def draw_shift_curves(table: pd.DataFrame) -> Figure:
    """Return a panel per shift of colours, accuracy over its amount, from the table of `shift_and_score`."""
    figure, axes = plt.subplots(2, 2, figsize=(8, 6.6), sharey=True)
    for axis, (name, neutral) in zip(axes.flat, evaluation.NEUTRAL_AMOUNTS.items(), strict=True):
        axis.axvline(neutral, color=INK, linewidth=1)
        _draw_models(axis, name, table[table["shift"] == name], "amount")
        axis.set_xlabel("degrees" if name == "hue" else "times as strong as in the image")
    for axis in axes[:, 0]:
        axis.set_ylabel("top-1 accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def draw_recall_by_class(labels: np.ndarray, probabilities: dict[str, np.ndarray]) -> Figure:
    """Return a panel per class with images, most first: a bar per model of recall, with Wilson's 95 % interval.

    ``probabilities`` hold (N, 8) of the same images, whose (N,) ``labels`` are the truth, by model name.
    """
    recalls = evaluation.recall_by_class(labels, probabilities)
    classes = recalls[recalls["n"] > 0].sort_values("n", ascending=False, kind="stable")["class"].unique()
    rows = -(-len(classes) // 3)
    height = rows * (0.27 * len(probabilities) + 0.75) + 0.6
    figure, axes = plt.subplots(rows, 3, figsize=(8.5, height), sharex=True, sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, classes, strict=False):
        found = recalls[recalls["class"] == name]
        axis.barh(found["model"], found["recall"], color=[MODEL_COLOURS[model] for model in found["model"]])
        axis.hlines(
            found["model"], found["low"], found["high"], color=INK, linewidth=1.1, capstyle="projecting"
        )
        for row, (recall, high) in enumerate(found[["recall", "high"]].to_numpy()):
            axis.annotate(f"{recall:.0%}", (max(high, recall), row), (4, 0), textcoords="offset points",
                          va="center", fontsize=8.5)  # fmt: skip
        axis.set_title(f"{name}, n = {found['n'].iloc[0]}", fontsize=10, pad=5)
        axis.grid(axis="y", visible=False)
    axes[0, 0].set(xlim=(0, 1.25), xticks=(0, 0.5, 1), ylim=(len(probabilities) - 0.4, -0.6))
    axes[0, 0].xaxis.set_major_formatter("{x:.0%}")
    for axis in axes.flat[len(classes) :]:
        axis.axis("off")
    for axis in axes.flat[max(0, len(classes) - 3) : len(classes)]:
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("recall")
    return figure
