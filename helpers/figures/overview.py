"""The study at a glance, drawn: what was reported and measured, home and elsewhere, a map of the images."""

from collections import Counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.isotonic import isotonic_regression
from sklearn.neighbors import NearestNeighbors

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.publish import Drawing, in_two_layouts
from helpers.figures.style import CLASS_COLOURS, GRID, INK, MUTED, PAPER, PERCENT, layout, model_look
from helpers.notation import MODEL_NAMES, listed, model_name, out_of, percent, sentence

_CLASS_MARKERS = "osD^vPX*"


@in_two_layouts
def draw_reported(models: dict[str, dict[str, Any]], reported: dict[str, float]) -> Drawing:
    """Draw the accuracy of each model on test images, with its 95 % interval, against the one ``reported`` if any.

    ``models`` are those of results.json, and those of the report come first, in its order. Where most values are above
    one half, the axis starts below the lowest of these, and worse ones are written at its edge.
    """
    names = [*reported, *(name for name in models if name not in reported)]
    rows = [row + (0.9 if reported and name not in reported else 0) for row, name in enumerate(names)]
    values = [*(models[name]["test_accuracy_ci95"][0] for name in names), *reported.values()]
    learnt, room = [value for value in values if value > 0.5], layout(0.1, 0.34)
    floor = np.floor(20 * (min(learnt, default=0) - room) / (1 - room)) / 20  # room for a number at the left
    floor = max(0.0, floor) if len(learnt) > 0.7 * len(values) else 0.0
    figure, axes = plt.subplots(figsize=layout((8, 0.36 * rows[-1] + 1.6), (3.7, 0.42 * rows[-1] + 1.9)))
    axes.set(xlim=(floor, 1.004), ylim=(rows[-1] + 0.6, -1.2 if reported else -0.6), xlabel="accuracy")
    for row, name in zip(rows, names, strict=True):
        _draw_accuracy(axes, row, name, models[name], reported.get(name), room * (1 - floor))
    axes.set_yticks(rows, [MODEL_NAMES[name].replace(" ", layout(" ", "\n"), 1) for name in names])
    axes.xaxis.set_major_formatter(PERCENT)
    axes.grid(axis="y", visible=False)
    alt = "Dot plot with intervals and a row for each model."
    if reported:
        for row, whose in ((-0.8, "the original report"), (len(reported) + 0.1, "this study")):
            axes.annotate(f"models of {whose}", (floor, row), (5, 0), textcoords="offset points", color=MUTED,
                          fontsize=9, va="center")  # fmt: skip
        axes.plot([], [], "D", color=INK, mfc=PAPER, ms=8, mew=1.6, label="original report")
        axes.plot([], [], "o", color=INK, ms=8, label="this study, on test images")
        figure.legend(loc="outside lower center", ncols=layout(2, 1))
        higher = sum(models[name]["test_accuracy"] > value for name, value in reported.items())
        alt += f" Measured accuracy is above the reported one for {out_of(higher, len(reported), 'model')}."
    return Drawing(figure, _answer(models, reported), alt, models[names[-1]]["n"])


def _draw_accuracy(
    axes: Axes, row: float, name: str, scores: dict[str, Any], reported: float | None, room: float
) -> None:
    """Draw a model's accuracies in a row, each number on the far side of its mark where it has ``room``."""
    accuracy, (low, high), floor = scores["test_accuracy"], scores["test_accuracy_ci95"], axes.get_xlim()[0]
    look, before = model_look(name) | {"marker": "o", "label": None}, reported or accuracy
    axes.errorbar(accuracy, row, None, [[accuracy - low], [high - accuracy]], ms=8, lw=2.2, capsize=0, **look)
    is_lower = accuracy < before
    is_left = is_lower and low - room > floor
    place = low if is_left else max(high, floor if is_lower else before)
    words = percent(accuracy) if accuracy >= floor else f"◂ {percent(accuracy)}"
    numbers = [(words, place, is_left, INK, "bold")]
    if reported:
        axes.plot([before, accuracy], [row, row], color=GRID, linewidth=3, zorder=1)
        axes.plot(before, row, "D", color=INK, mfc=PAPER, ms=8.5, mew=1.6, zorder=1.5)
        place = max(before, high) if is_lower else min(before, low)
        numbers.append((percent(before), place, not is_lower, MUTED, "normal"))
    for words, place, is_left, colour, weight in numbers:
        side, box = ("right", -9) if is_left else ("left", 9), {"facecolor": PAPER, "linewidth": 0, "pad": 1}
        axes.annotate(words, (place, row), (side[1], 0), textcoords="offset points", ha=side[0], va="center",
                      color=colour, weight=weight, bbox=box)  # fmt: skip


def _answer(models: dict[str, dict[str, Any]], reported: dict[str, float]) -> str:
    """Return which models are best, and whether the best of the report is as good as reported."""
    shown = {name: percent(scores["test_accuracy"]) for name, scores in models.items()}
    highest = percent(max(scores["test_accuracy"] for scores in models.values()))
    best = [name for name, accuracy in shown.items() if accuracy == highest]
    reach = "reaches" if len(best) == 1 else "reach"
    answer = sentence(f"{listed(map(model_name, best))} {reach} {highest} on test images")
    if not reported:
        return answer
    leader = max(reported, key=lambda name: reported[name])
    answer += "" if leader in best else f", and {model_name(leader)} {shown[leader]}"
    position = "above" if models[leader]["test_accuracy"] > reported[leader] else "below"
    there = percent(reported[leader])
    than = "as in" if there == shown[leader] else f"{position} the {there} of"
    return f"{answer}, {than} the original report"


def _apart(values: pd.Series, gap: float, low: float | None = None, high: float = np.inf) -> np.ndarray:
    """Return ascending values moved as little as possible to be ``gap`` apart, between ``low`` and ``high``."""
    steps = gap * np.arange(len(values))
    return np.asarray(steps + isotonic_regression(values - steps, y_min=low, y_max=high - steps[-1]))


@in_two_layouts
def draw_slopes(accuracies: pd.DataFrame, n: dict[str, int]) -> Drawing | None:
    """Draw a line per model, the rows of ``accuracies``, over its columns, of which the first is at home.

    ``n`` is the number of images by column, from which the 95 % intervals are; for means over several corruptions of
    these images they are rather too wide. None where there is nothing to compare with.
    """
    home, *elsewhere = accuracies.columns
    if not elsewhere:
        return None
    figure, axes = plt.subplots(figsize=layout((7.6, 4.4), (3.7, 5)))
    ends = accuracies.iloc[:, -1].sort_values()
    floor = max(0.0, np.floor(10 * accuracies.min(axis=None) - 0.5) / 10)
    heights = _apart(ends, (1 - floor) * layout(0.055, 0.085), floor, 1)
    for (name, end), height in zip(ends.items(), heights, strict=True):
        shares, look = accuracies.loc[name], model_look(name)
        intervals = [evaluation.accuracy_interval(shares[each] * n[each], n[each]) for each in accuracies]
        axes.errorbar(range(len(shares)), shares, np.abs(np.transpose(intervals) - shares.to_numpy()), elinewidth=4,
                      capsize=0, ecolor=(look["color"], 0.25), ms=6, **look)  # fmt: skip
        x, words = len(elsewhere) + layout(0.13, 0.2), str(look["label"]).replace(" ", layout(" ", "\n"), 1)
        axes.plot([len(elsewhere), x], [end, height], color=look["color"], linewidth=0.8, clip_on=False)
        axes.annotate(f"{percent(end)} {words}", (x, height), (3, 0), va="center",
                      annotation_clip=False, textcoords="offset points", fontsize=layout(9.5, 8.5))  # fmt: skip
    heads = [str(each).replace(" ", layout(" ", "\n")) + f"\nn = {n[each]:,}" for each in accuracies]
    axes.set_xticks(range(len(heads)), heads)
    axes.set(xlim=(-0.2, len(elsewhere) + 0.04), ylim=(floor, 1.01), ylabel="accuracy")
    axes.tick_params(axis="x", length=0, labelsize=layout(9.5, 8.5))
    axes.yaxis.set_major_formatter(PERCENT)
    axes.spines["bottom"].set_visible(False)
    falls = (accuracies[[home]].to_numpy() - accuracies[elsewhere]).stack().round(3)
    name, where = falls.idxmax()
    before, after = percent(accuracies.loc[name, home]), percent(accuracies.loc[name, where])
    most = " most" if falls.nlargest(2).nunique() > 1 else ""
    finding = f"the accuracy of {model_name(name)} falls{most}, from {before} on {home} to {after} on {where}"
    if falls.max() <= 0 or before == after:
        finding = f"no model is less accurate on {' or on '.join(elsewhere)} than on {home}"
    means = listed(f"{percent(share)} on {column}" for column, share in accuracies.mean().items())
    alt = f"Slope chart with a line for each model. On average, accuracy is {means}."
    return Drawing(figure, sentence(finding), alt)


@in_two_layouts
def draw_embedding(points: np.ndarray, labels: np.ndarray, predicted: np.ndarray) -> Drawing:
    """Draw images as points of a map (N, 2), coloured by their (N,) labels, and rings where ``predicted`` differs."""
    figure, axes = plt.subplots(figsize=layout((6.4, 6), (3.7, 4)))
    middles = pd.DataFrame(points).groupby(labels).median().sort_values(1)
    heights = _apart(middles[1], layout(0.055, 0.075) * np.ptp(points, axis=0).max())
    for (label, x), height in zip(middles[0].items(), heights, strict=True):
        here, colour = points[labels == label], CLASS_COLOURS[CLASS_NAMES[label]]
        axes.scatter(here[:, 0], here[:, 1], layout(16, 9), colour, marker=_CLASS_MARKERS[label], lw=0)
        box = {"facecolor": PAPER, "alpha": 0.85, "edgecolor": colour, "pad": 2}
        axes.text(x, height, CLASS_NAMES[label], fontsize=layout(9.5, 8), ha="center",
                  va="center", bbox=box, zorder=4)  # fmt: skip
    wrong = points[labels != predicted]
    axes.scatter(wrong[:, 0], wrong[:, 1], layout(60, 36), "none", edgecolors=INK, linewidths=1, zorder=3)
    axes.axis("equal")
    axes.axis("off")
    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
    meetings = {(a, b) for a, b in enumerate(nearest) if labels[a] != labels[b]}
    pairs = Counter(tuple(sorted(CLASS_NAMES[labels[each]] for each in pair)) for pair in meetings)
    touching = [pair for pair, count in sorted(pairs.items()) if count == max(pairs.values())]
    finding = "no two classes touch more often than others"
    if not pairs:
        finding = "every image lies next to one of its own class"
    elif len(touching) < 3:
        meeting = listed(f"{a}s touch {b}s" for a, b in touching)
        finding = f"on cellnet’s map, {meeting} most often"
    errors = out_of(len(wrong), len(points), "image")
    alt = f"Scatter plot without axes, in {len(middles)} colours. cellnet misclassifies {errors}."
    return Drawing(figure, sentence(finding), alt, len(points))
