"""How the models came to be, drawn: training curves, the ladder, what single choices and more data change."""

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
    longest = max(map(len, histories.values()))
    for axes, column, label in ((left, "loss", "cross-entropy"), (right, "accuracy", "top-1 accuracy")):
        for name, history in histories.items():
            look = {"color": MODEL_COLOURS[name], "marker": "o", "markersize": 3.5}
            axes.plot(history[column], linestyle="--", mfc=PAPER, label=f"{name}, training", **look)
            axes.plot(history[f"val_{column}"], label=f"{name}, validation", **look)
        axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, longest + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_ladder(table: pd.DataFrame) -> Figure:
    """Return the rungs of `helpers.evaluation.compute_ladder` from top to bottom: accuracy, interval, gain.

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
    axes.set_xlim(low - 0.03 * (high - low), high + 0.22 * (high - low))
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlabel("validation accuracy (gain on the last rung kept, in points)")
    axes.set_yticks(rows, labels, fontsize=9)
    axes.grid(axis="y", visible=False)
    return figure


def draw_scalings(histories: dict[str, list[pd.DataFrame]]) -> Figure:
    """Return validation accuracy by epoch for each scaling of the pixels: thin for seeds, thick for their mean."""
    figure, axes = plt.subplots(figsize=(7.4, 3.9))
    for (name, seeds), colour, marker in zip(histories.items(), SERIES_COLOURS, "osD^", strict=False):
        curves = pd.concat([history["val_accuracy"] for history in seeds], axis=1)
        axes.plot(curves, color=colour, linewidth=0.7, alpha=0.6)
        mean = curves.dropna().mean(axis=1)  # no further than the shortest
        axes.plot(mean, color=colour, marker=marker, markersize=4, label=name)
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


def draw_learning_curves(curve: pd.DataFrame) -> Figure:
    """Return accuracy (one column per model) against the number of training images (the index)."""
    figure, axes = plt.subplots(figsize=(7, 3.8))
    for name, accuracies in curve.items():
        axes.plot(accuracies, marker="o", color=MODEL_COLOURS[name], label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(curve.index, [f"{count:,}" for count in curve.index])
    axes.minorticks_off()
    axes.set(xlabel="training images", ylabel="validation accuracy")
    axes.legend(loc="lower right")
    return figure


def draw_dots(table: pd.DataFrame, reference: float, reference_name: str, unit: str) -> Figure:
    """Return one row of dots per row of the table, one marker per column, and a line at ``reference``."""
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(table) + 1.6))
    for (name, values), marker, colour in zip(table.items(), "oD", SERIES_COLOURS, strict=False):
        axes.plot(values, range(len(table)), marker, color=colour, markersize=8, label=name)
        for row, value in enumerate(values):
            axes.annotate(
                f"{value:.3f}", (value, row), (0, 8), textcoords="offset points", ha="center", fontsize=8.5
            )
    axes.axvline(reference, color=MUTED, linestyle="--", label=reference_name)
    axes.set_yticks(range(len(table)), table.index)
    axes.set(xlabel=unit, ylim=(len(table) - 0.4, -0.7))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure
