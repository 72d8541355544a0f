"""How the models came to be, drawn: training curves, the ladder, what single choices and more data change."""

import textwrap
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from helpers.evaluation import accuracy_interval
from helpers.figures.publish import Drawing
from helpers.figures.style import INK, MODEL_COLOURS, MUTED, PALETTE, PAPER, PERCENT
from helpers.notation import MODEL_NAMES, listed, model_name, out_of, percent, points, sentence, signed


def _compared(what: str, share: float, other: float, whose: str) -> str:
    """Return a finding, as in "cellnet ends at 98.1 % on validation images, 2.7 points above the custom LeNet"."""
    distance = points(abs(share - other)).removeprefix("+")
    side = "above" if share > other else "below"
    position = f"{distance} {side}" if distance != "0.0 points" else "level with"
    return sentence(f"{what} {percent(share)} on validation images, {position} {whose}")


def draw_training_curves(histories: dict[str, pd.DataFrame], n: int) -> Drawing | None:
    """Draw loss and accuracy over epochs, training dashed and hollow, validation solid, one colour per model.

    The finding compares the last of several models with the first. ``n`` counts the validation images. None where a
    model was trained for fewer than three epochs.
    """
    if min(map(len, histories.values())) < 3:
        return None
    colours = dict(zip(histories, PALETTE, strict=False)) | MODEL_COLOURS
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2))
    for axes, column, label in ((left, "loss", "cross-entropy"), (right, "accuracy", "accuracy")):
        for name, history in histories.items():
            look, words = {"color": colours[name], "marker": "o", "ms": 3.5}, MODEL_NAMES.get(name, name)
            axes.plot(history[column], "--", mfc=PAPER, label=f"{words}, training", **look)
            axes.plot(history[f"val_{column}"], label=f"{words}, validation", **look)
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.yaxis.set_major_formatter(PERCENT)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    names, ends = [model_name(name) for name in histories], [each.iloc[-1] for each in histories.values()]
    other, whose = ends[0]["val_accuracy"], names[0]
    if len(names) == 1:
        other, whose = ends[0]["accuracy"], "its accuracy on training images"
    finding = _compared(f"{names[-1]} ends at", ends[-1]["val_accuracy"], other, whose)
    starts = listed(percent(history["val_accuracy"].iloc[0]) for history in histories.values())
    alt = f"Line charts of loss and accuracy by epoch. Validation accuracy starts at {starts}."
    return Drawing(figure, finding, alt, n)


def draw_ladder(table: pd.DataFrame, reported: dict[str, float], n: int) -> Drawing | None:
    """Draw the steps of `helpers.evaluation.compute_ladder` from top to bottom: accuracy, interval, gain.

    A dotted line separates the original report's changes from those below. A step that was not kept is hollow, and the
    line from step to step passes it by. Crosses are accuracies ``reported``, by model name. ``n`` counts the validation
    images. None for fewer than four steps.
    """
    if len(table) < 4:
        return None
    rows, kept, accuracy = np.arange(len(table)), table["is_kept"], table["accuracy"]
    figure, axes = plt.subplots(figsize=(9, 0.36 * len(table) + 1))
    write = partial(axes.annotate, xycoords=axes.get_yaxis_transform(), va="center", fontsize=9)
    axes.step(accuracy[kept], rows[kept], where="pre", color=MUTED, linewidth=1, zorder=1)
    for row, step in enumerate(table.itertuples()):
        name, colour = MODEL_NAMES.get(step.Index, ""), MODEL_COLOURS.get(step.Index, INK)
        axes.hlines(row, step.accuracy_low, step.accuracy_high, colors=colour, linewidth=2)
        axes.plot(step.accuracy, row, "o", color=colour, mfc=colour if step.is_kept else PAPER, markersize=7)
        write(percent(step.accuracy) + (f"   {signed(100 * step.gain)}" if row else ""), (1.01, row))
        change = textwrap.shorten(step.change, 42, placeholder=" …")
        label = f"+ {change}{' = ' if name else ''}{name}" if row else name
        write(label, (-0.01, row), ha="right", weight="bold" if name else "normal")
    crosses = table.index.map(reported)
    if crosses.notna().any():
        axes.plot(crosses, rows, "x", color=INK, markersize=7, label="original report")
        axes.legend(loc="upper right")
    axes.axhline(table["of_report"].sum() - 0.5, color=MUTED, linestyle=":", linewidth=1)
    axes.set(yticks=[], xlabel="validation accuracy", ylim=(len(table) - 0.4, -0.6))
    axes.set_xlim(right=min(1.0, axes.get_xlim()[1]))
    axes.xaxis.set_major_formatter(PERCENT)
    first, last = model_name(str(table.index[0])), model_name(str(table.index[-1]))
    finding = _compared(f"{last} reaches", accuracy.iloc[-1], accuracy.iloc[0], first)
    gains = f"The accuracy rises in {out_of((table['gain'] > 0).sum(), len(table) - 1, 'step')}."
    alt = f"Dot plot with intervals, a row per step from {first} to {last}. {gains}"
    return Drawing(figure, finding, alt, n)


def draw_statistics_lag(accuracies: pd.DataFrame, n: int) -> Drawing | None:
    """Draw each run with its running averages as training left them, and as recomputed.

    ``accuracies`` has a row per run and the columns network, seed, stored and recomputed, the last two being
    accuracies on ``n`` validation images. The finding is about the network of the first row, whose statistics lag
    where every seed gains two points. None without rows.
    """
    if accuracies.empty:
        return None
    figure, axes = plt.subplots(figsize=(7.4, 0.4 * len(accuracies) + 1.8))
    rows, colours = range(len(accuracies)), accuracies["network"].map(MODEL_COLOURS)
    axes.hlines(rows, accuracies["stored"], accuracies["recomputed"], colors=colours, linewidth=1.5)
    for column, inside, label in (("stored", PAPER, "in training"), ("recomputed", colours, "afterwards")):
        axes.scatter(accuracies[column], rows, 50, inside, edgecolors=colours, label=f"{column} {label}")
    names = [f"{MODEL_NAMES[run.network]} (seed {run.seed})" for run in accuracies.itertuples()]
    axes.set_yticks(rows, names)
    axes.set(xlabel="validation accuracy", xlim=(0, 1.02), ylim=(len(rows) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PERCENT)
    figure.legend(loc="outside lower center", ncols=2)
    gains = accuracies.set_index("network").eval("recomputed - stored").groupby("network", sort=False)
    changes = {model_name(str(name)): points(gain) for name, gain in gains.mean().items()}
    (name, change), *_ = changes.items()
    does = "leaves its accuracy unchanged" if change == "+0.0 points" else f"changes its accuracy by {change}"
    finding = f"Recomputing the batch-normalisation statistics of {name} without retraining {does}"
    if gains.min().iloc[0] >= 0.02:
        finding = f"The batch-normalisation statistics of {name} lag, and recomputing them without "
        finding += f"retraining adds {change[1:]} of accuracy"
    listing = listed(f"{change} for {name}" for name, change in changes.items())
    alt = f"Dot plot with a row per training run. Recomputing changes the mean accuracy by {listing}."
    return Drawing(figure, finding, alt, n)


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
    changes = listed(f"of {model_name(str(name))} by {points(gain)}" for name, gain in gains)
    alt = "Line chart of accuracy against the number of training images on a logarithmic scale, a line per model."
    return Drawing(figure, f"The last doubling of the training images changes the accuracy {changes}", alt, n)
