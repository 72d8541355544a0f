"""The drawings of the trainings: curves, the ladder, the scalings."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.figures.style import INK, MODEL_COLOURS, MUTED, PAPER, SERIES_COLOURS


def draw_training_curves(histories: dict[str, pd.DataFrame]) -> Figure:
    """Return loss and accuracy over epochs, training dashed and hollow, validation solid, one colour per model."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2))
    for name, history in histories.items():
        colour = MODEL_COLOURS[name]
        for axes, column in ((left, "loss"), (right, "accuracy")):
            axes.plot(history.index, history[column], color=colour, linestyle="--", marker="o", markersize=3.5,
                      markerfacecolor=PAPER, label=f"{name}, training")  # fmt: skip
            axes.plot(history.index, history[f"val_{column}"], color=colour, marker="o", markersize=3.5,
                      label=f"{name}, validation")  # fmt: skip
    longest = max(map(len, histories.values()))
    for axes, label in ((left, "cross-entropy"), (right, "top-1 accuracy")):
        axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, longest + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_ladder(table: pd.DataFrame) -> Figure:
    """Return the rungs of `helpers.evaluation.ladder_of` from top to bottom: accuracy, its interval, the gain in words.

    A line parts the rungs of the original report from those below. A rung that was not kept is hollow, and the line
    that leads from rung to rung passes it by.
    """
    kept, of_report = table["is_kept"].to_numpy(), int(table["of_report"].sum())
    labels = [
        textwrap.fill(change if row == 0 else f"+ {change}", 40) for row, change in enumerate(table["change"])
    ]
    lines = max(label.count("\n") + 1 for label in labels)
    figure, axes = plt.subplots(figsize=(9, (0.26 + 0.17 * lines) * len(table) + 1.2))
    rows = np.arange(len(table))
    axes.step(table["accuracy"][kept], rows[kept], where="pre", color=MUTED, linewidth=1, zorder=1)
    for row, (name, rung) in enumerate(table.iterrows()):
        colour = MODEL_COLOURS.get(str(name), INK)
        axes.plot([rung["low"], rung["high"]], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
        inside = colour if rung["is_kept"] else PAPER
        axes.plot(rung["accuracy"], row, "o", color=colour, markerfacecolor=inside, markersize=7)
        words = f"{rung['accuracy']:.4f}"
        if not np.isnan(rung["gain"]):
            words += f"  ({100 * rung['gain']:+.2f})"
        # on paper of its own: after a fall the line between rungs passes behind the words
        axes.annotate(
            words, (rung["high"], row), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8.5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    if of_report < len(table):
        axes.axhline(of_report - 0.5, color=MUTED, linestyle=":", linewidth=1)
    low, high = table["low"].min(), table["high"].max()
    axes.set(
        xlim=(low - 0.03 * (high - low), high + 0.22 * (high - low)),
        ylim=(len(table) - 0.4, -0.6),
        xlabel="validation accuracy (gain on the last rung kept, in points)",
    )
    axes.set_yticks(rows, labels, fontsize=9)
    axes.grid(axis="y", visible=False)
    return figure


def draw_scalings(histories: dict[str, list[pd.DataFrame]]) -> Figure:
    """Return validation accuracy by epoch for each scaling of the pixels: thin for seeds, thick for their mean."""
    figure, axes = plt.subplots(figsize=(7.4, 3.9))
    for (name, seeds), colour, marker in zip(histories.items(), SERIES_COLOURS, "osD^", strict=False):
        curves = pd.concat([history["val_accuracy"] for history in seeds], axis=1)
        axes.plot(curves.index, curves, color=colour, linewidth=0.7, alpha=0.6)
        mean = curves.dropna().mean(axis=1)  # no further than the shortest
        axes.plot(mean.index, mean, color=colour, marker=marker, markersize=4, label=name)
    axes.set(xlabel="epoch", ylabel="validation accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right", title="pixels")
    return figure


def draw_statistics_lag(kept: pd.DataFrame) -> Figure:
    """Return, by network, each seed with its running averages as kept and computed anew.

    ``kept`` has a row per run and the columns network, seed, kept and renewed (validation accuracies).
    """
    figure, axes = plt.subplots(figsize=(7.4, 0.4 * len(kept) + 1.8))
    for row, run in enumerate(kept.itertuples(index=False)):
        colour = MODEL_COLOURS[run.network]
        axes.plot([run.kept, run.renewed], [row, row], color=colour, linewidth=1.5)
        axes.plot(run.kept, row, "o", color=colour, markersize=7, markerfacecolor="none")
        axes.plot(run.renewed, row, "o", color=colour, markersize=7)
    axes.plot([], [], "o", color=MUTED, markerfacecolor="none", label="as kept in training")
    axes.plot([], [], "o", color=MUTED, label="computed anew from training images")
    axes.set_yticks(range(len(kept)), [f"{run.network}, seed {run.seed}" for run in kept.itertuples()])
    axes.set(xlabel="validation accuracy", xlim=(0, 1.02), ylim=(len(kept) - 0.4, -0.6))
    figure.legend(loc="outside lower center", title="running averages", ncols=2)
    return figure
