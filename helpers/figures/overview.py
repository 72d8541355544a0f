"""The study at a glance, drawn: what was reported and measured, home and elsewhere, a map of the images."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.isotonic import isotonic_regression
from sklearn.metrics import confusion_matrix
from sklearn.neighbors import NearestNeighbors

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.evaluation import draw_intervals
from helpers.figures.publish import Drawing, in_two_layouts
from helpers.figures.style import (
    CLASS_COLOURS,
    GRID,
    INK,
    PAPER,
    PERCENT,
    layout,
    model_look,
    name_rows,
    write_columns,
)
from helpers.notation import MODEL_NAMES, listed, model_name, out_of, percent, sentence

_CLASS_MARKERS = "osD^vPX*"


@in_two_layouts
def draw_reported(models: evaluation.Scores, reported: dict[str, float]) -> Drawing:
    """Draw the accuracy of each model on test images, with its 95 % interval, against the one ``reported`` if any.

    ``models`` are those of results.json, and those of the report come first, in its order. Where most values are above
    one half, the axis starts below the lowest of these, and worse ones are arrows at its edge.
    """
    names = [*reported, *(name for name in models if name not in reported)]
    measured = pd.Series({name: models[name]["test_accuracy"] for name in names})
    intervals = [models[name]["test_accuracy_ci95"] for name in names]
    values = [*(low for low, _ in intervals), *reported.values()]
    learnt = [value for value in values if value > 0.5]
    floor = np.floor(20 * min(learnt, default=0) - 0.2) / 20 if len(learnt) > 0.7 * len(values) else 0.0
    figure, axes = plt.subplots(figsize=layout((8, 0.36 * len(names) + 1.3), (3.7, 0.42 * len(names) + 1.5)))
    name_rows(axes, [MODEL_NAMES[name] for name in names])
    for row, (name, accuracy) in enumerate(measured.items()):
        look = model_look(name) | {"marker": "o", "label": None, "ms": 8, "lw": 2.2}
        draw_intervals(axes, [accuracy], [intervals[row]], [row], floor, **look)
    claimed, rows = pd.Series(reported, names, dtype=float), range(len(names))
    axes.hlines(rows, claimed, measured, color=GRID, linewidth=3, zorder=1)
    axes.plot(claimed, rows, "D", color=INK, mfc=PAPER, ms=8.5, mew=1.6, zorder=1.5)
    axes.set(xlim=(floor, 1.004))
    axes.xaxis.set(label_text="accuracy", major_formatter=PERCENT)
    columns = pd.DataFrame({"◇ reported": claimed, "● measured": measured}).dropna(axis="columns", how="all")
    write_columns(axes, columns.map(percent, na_action="ignore").fillna(""))
    alt = "Dot plot with intervals and a row for each model."
    if reported:
        higher = out_of((measured > claimed).sum(), len(reported), "model")
        alt += f" Measured accuracy is above the reported one for {higher}."
    return Drawing(figure, _answer(models, reported), alt, models[names[-1]]["n"])


def _answer(models: evaluation.Scores, reported: dict[str, float]) -> str:
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
    """Draw a line per model, the rows of ``accuracies``, over its columns, whose name is that of the axis.

    ``n`` is the number of images by column, written there where they differ. The 95 % intervals follow from it; for
    means over several corruptions of these images they are rather too wide. The finding is the largest fall from the
    first column. None where there is nothing to compare with.
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
    sizes = {each: f"\nn = {n[each]:,}" if len(set(n.values())) > 1 else "" for each in accuracies}
    heads = [str(each).replace(" ", layout(" ", "\n")) + sizes[each] for each in accuracies]
    axes.set_xticks(range(len(heads)), heads)
    axes.set(xlim=(-0.2, len(elsewhere) + 0.04), ylim=(floor, 1.01), xlabel=accuracies.columns.name or "")
    axes.tick_params(axis="x", length=0, pad=8, labelsize=layout(9.5, 8.5))
    axes.yaxis.set(label_text="accuracy", major_formatter=PERCENT)
    axes.spines["bottom"].set_visible(False)
    falls = (accuracies[[home]].round(3).to_numpy() - accuracies[elsewhere].round(3)).stack().round(3)
    name, where = falls.idxmax()
    before, after = percent(accuracies.loc[name, home]), percent(accuracies.loc[name, where])
    most = " most" if falls.nlargest(2).nunique() > 1 else ""
    finding = f"the accuracy of {model_name(name)} falls{most}, from {before} on {home} to {after} on {where}"
    if falls.max() <= 0:
        finding = f"no model is less accurate on {' or on '.join(elsewhere)} than on {home}"
    means = listed(f"{percent(share)} ({column})" for column, share in accuracies.mean().items())
    alt = f"Slope chart with a line for each model. On average, accuracy is {means}."
    return Drawing(figure, sentence(finding), alt, None if any(sizes.values()) else n[home])


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
    meetings = confusion_matrix(labels, labels[nearest], labels=range(len(CLASS_NAMES)))
    meetings = np.triu(meetings + meetings.T, k=1)
    touching = np.argwhere(meetings == meetings.max())
    finding = "no two classes touch more often than others"
    if not meetings.any():
        finding = "every image lies next to one of its own class"
    elif len(touching) < 3:
        meeting = listed(f"{CLASS_NAMES[a]}s touch {CLASS_NAMES[b]}s" for a, b in touching)
        finding = f"on cellnet’s map, {meeting} most often"
    errors = out_of(len(wrong), len(points), "image")
    alt = f"Scatter plot without axes, in {len(middles)} colours. cellnet misclassifies {errors}."
    return Drawing(figure, sentence(finding), alt, len(points))
