"""The drawings of robustness: corruptions, shifted colours, recall on cells of another laboratory."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from helpers.data import CLASS_NAMES
from helpers.evaluation import CORRUPTIONS, NEUTRAL, corrupt
from helpers.figures.style import INK, MODEL_COLOURS, MUTED

MODEL_MARKERS = dict(zip(MODEL_COLOURS, ("o", "D", "s", "^", "v", "X", "P"), strict=True))
"""Model name -> marker, so that no model is told by its colour alone."""


def draw_corrupted_examples(image: np.ndarray) -> Figure:
    """Return one (48, 48, 3) uint8 image under every corruption (columns) at severity 1, 3 and 5 (rows)."""
    figure, axes = plt.subplots(3, 1 + len(CORRUPTIONS), figsize=(9, 3.3))
    for row, severity in zip(axes, (1, 3, 5), strict=True):
        for axis, name in zip(row, ("unchanged", *CORRUPTIONS), strict=True):
            axis.imshow(corrupt(image[None], name, severity)[0] if name in CORRUPTIONS else image)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(f"severity {severity}", fontsize=8)
    for axis, name in zip(axes[0], ("unchanged", *CORRUPTIONS), strict=True):
        axis.set_title(name.replace(" ", "\n"), fontsize=7.5, loc="center", weight="normal", pad=3)
    return figure


def _draw_models(axes: Axes, table: pd.DataFrame, x: str) -> None:
    """Draw accuracy against ``x``, a line, colour and marker per model, and the accuracy of guessing."""
    for model, rows in table.groupby("model", sort=False):
        axes.plot(
            rows[x], rows["accuracy"], color=MODEL_COLOURS[str(model)], marker=MODEL_MARKERS[str(model)],
            markersize=4.5, linewidth=1.5, label=str(model), clip_on=False,
        )  # fmt: skip
    axes.axhline(1 / len(CLASS_NAMES), color=MUTED, linestyle=":", linewidth=1.2, label="guessing, 1 in 8")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def draw_corruption_curves(table: pd.DataFrame) -> Figure:
    """Return a panel per corruption, accuracy over severity, from the table of `corrupt_and_score`."""
    clean = table[table["severity"] == 0]
    figure, axes = plt.subplots(4, 3, figsize=(8, 9), sharex=True, sharey=True)
    for axis, name in zip(axes.flat, CORRUPTIONS, strict=False):
        _draw_models(axis, pd.concat([clean, table[table["corruption"] == name]]), "severity")
        axis.set_title(name, fontsize=10.5, pad=5)
        axis.tick_params(labelbottom=axis in axes.flat[-4:])
    for axis in axes.flat[-4:-1]:
        axis.set_xlabel("severity")
    for axis in axes[:, 0]:
        axis.set_ylabel("top-1 accuracy")
    axes[0, 0].set_xticks(range(6))
    axes.flat[-1].axis("off")
    axes.flat[-1].legend(*axes[0, 0].get_legend_handles_labels(), loc="center", fontsize=10.5)
    return figure


def draw_shift_curves(table: pd.DataFrame) -> Figure:
    """Return a panel per shift of colours, accuracy over its amount, from the table of `shift_and_score`."""
    figure, axes = plt.subplots(2, 2, figsize=(8, 6.6), sharey=True)
    for axis, (name, neutral) in zip(axes.flat, NEUTRAL.items(), strict=True):
        axis.axvline(neutral, color=INK, linewidth=1)
        _draw_models(axis, table[table["shift"] == name], "amount")
        axis.set_title(name, fontsize=10.5, pad=5)
        axis.set_xlabel("degrees" if name == "hue" else "times as strong as in the image")
    for axis in axes[:, 0]:
        axis.set_ylabel("top-1 accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def draw_recall_by_class(recalls: pd.DataFrame) -> Figure:
    """Return a panel per class with images, a bar of recall and its interval per model (`recall_by_class`)."""
    present = recalls[recalls["n"] > 0]
    classes = present.sort_values("n", ascending=False, kind="stable")["class"].unique()
    models = present["model"].unique()
    rows = -(-len(classes) // 3)
    height = rows * (0.27 * len(models) + 0.75) + 0.6
    figure, axes = plt.subplots(rows, 3, figsize=(8.5, height), sharex=True, sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, classes, strict=False):
        found = present[present["class"] == name]
        axis.barh(found["model"], found["recall"], color=[MODEL_COLOURS[model] for model in found["model"]])
        for row, (recall, low, high) in enumerate(found[["recall", "low", "high"]].to_numpy()):
            axis.plot([low, high], [row, row], color=INK, linewidth=1.1)
            axis.annotate(f"{recall:.0%}", (max(high, recall), row), (4, 0), textcoords="offset points",
                          va="center", fontsize=8.5)  # fmt: skip
        axis.set_title(f"{name}, n = {found['n'].iloc[0]}", fontsize=10, pad=5)
    axes[0, 0].set(xlim=(0, 1.25), xticks=(0, 0.5, 1), ylim=(len(models) - 0.4, -0.6))
    axes[0, 0].xaxis.set_major_formatter(PercentFormatter(1))
    for axis in axes.flat:
        axis.grid(axis="y", visible=False)
    for axis in axes.flat[len(classes) :]:
        axis.axis("off")
    for axis in axes.flat[max(0, len(classes) - 3) : len(classes)]:
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("recall")
    return figure
