"""How the models came to be, drawn: training curves, the ladder, what single choices and more data change."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.evaluation import accuracy_interval
from helpers.figures.publish import Drawing
from helpers.figures.style import INK, MODEL_COLOURS, MUTED, PAPER, PERCENT, SERIES_COLOURS
from helpers.notation import MODEL_NAMES, listed, model_name, percent, points, signed


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


def draw_learning_curves(curve: pd.DataFrame, n: int) -> Drawing | None:
    """Draw accuracy on ``n`` images (a column per model) against the number of training images (the index).

    Bands are 95 % intervals. None where fewer than two numbers of training images were tried.
    """
    if len(curve) < 2:
        return None
    figure, axes = plt.subplots(figsize=(7, 3.8))
    for rank, name in enumerate(curve.columns[np.argsort(-curve.iloc[-1].to_numpy())]):
        bounds = np.transpose([accuracy_interval(accuracy * n, n) for accuracy in curve[name]])
        axes.fill_between(curve.index, *bounds, color=MODEL_COLOURS[name], alpha=0.15, linewidth=0)
        axes.plot(curve[name], marker="o", color=MODEL_COLOURS[name])
        end, side = (curve.index[-1], curve[name].iloc[-1]), "top" if rank else "bottom"
        axes.annotate(MODEL_NAMES[name], end, (8, 0), textcoords="offset points", va=side)
    axes.set_xscale("log", base=2)
    axes.set_xticks(curve.index, [f"{count:,}" for count in curve.index])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set(xlabel="training images", ylabel="validation accuracy")
    gains = (curve.iloc[-1] - curve.iloc[-2]).items()
    brought = listed(f"{model_name(str(name))} {points(gain)}" for name, gain in gains)
    alt = "Line chart of accuracy against the number of training images on a logarithmic scale, a line per model."
    return Drawing(figure, f"The last doubling of the training images brings {brought}", alt, n)


def draw_ablation(full: np.ndarray, changed: dict[str, dict[str, np.ndarray]]) -> Drawing:
    """Draw the forest's accuracy with each group of features alone, and what it loses without the group.

    Parameters
    ----------
    full : (N,) whether the forest with all groups is right on each image
    changed : the same by name of the group, with it "alone", with it "left out", and with its columns "shuffled"
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
    low, high = accuracy_interval(full.sum(), len(full))
    left.axvspan(100 * low, 100 * high, color=MUTED, alpha=0.3, linewidth=0, label="all groups")
    right.axvline(0, color=MUTED, linewidth=1)
    looks = ((left, "o", 0, -1), (right, "o", -0.17, 1), (right, "D", 0.17, 1))
    for way, (axes, marker, lift, side), colour in zip(changed, looks, SERIES_COLOURS, strict=False):
        answers = np.array([*changed[way].values()], int)
        values = 100 * (answers if axes is left else full - answers)
        means, errors = values.mean(axis=1), 1.96 * values.std(axis=1) / np.sqrt(len(full))
        rows = np.arange(len(means)) + lift
        axes.errorbar(means, rows, None, errors, marker, color=colour, label=f"group {way}")
        for mean, x, row in zip(means, means + side * errors, rows, strict=True):
            words, ha = (f"{mean:.1f}", "right") if axes is left else (signed(mean), "left")
            axes.annotate(words, (x, row), (5 * side, 0), textcoords="offset points", ha=ha, va="center")
    accuracies = {name: float(is_right.mean()) for name, is_right in changed["alone"].items()}
    best = max(accuracies, key=accuracies.__getitem__)
    left.set_yticks(range(len(accuracies)), list(accuracies))
    left.set(xlabel="validation accuracy, %", ylim=(len(accuracies) - 0.4, -0.6))
    right.set(xlabel="validation accuracy lost, points")
    for axes in (left, right):
        axes.margins(x=0.2)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    finding = f"The random forest reaches {percent(accuracies[best])} with {best} alone"
    finding += f" and {percent(full.mean())} with all groups"
    alt = "Two dot plots with a row per group of features, accuracy on the left and losses on the right."
    return Drawing(figure, finding, alt, len(full))
