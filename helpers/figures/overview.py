"""The study at a glance, drawn: what was reported and measured, home and elsewhere, a map of the images."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.pieces import frame_shares, name_rows, write_columns
from helpers.figures.publish import Drawing, described, in_two_layouts
from helpers.figures.style import CLASS_COLOURS, GRID, INK, MODEL_COLOURS, PAPER, PERCENT, layout, model_look
from helpers.notation import MODEL_NAMES, percent


@in_two_layouts
def draw_reported(models: evaluation.Scores, reported: dict[str, float]) -> Drawing:
    """Draw the accuracy of each model on test images, with its 95 % interval, against the one ``reported`` if any.

    ``models`` are those of results.json, and those of the report come first, in its order.
    """
    names = [*reported, *(name for name in models if name not in reported)]
    measured = pd.Series({name: models[name]["test_accuracy"] for name in names})
    claimed, rows = pd.Series(reported, names, dtype=float), range(len(names))
    figure, axes = plt.subplots(figsize=layout((8, 0.36 * len(names) + 1.3), (3.7, 0.42 * len(names) + 1.5)))
    name_rows(axes, [MODEL_NAMES[name] for name in names])
    floor = frame_shares(axes, "accuracy", [*measured, *reported.values()], reported.values())
    axes.hlines(rows, claimed, measured, color=GRID, linewidth=3)
    for row, (name, share) in enumerate(measured.items()):
        axes.plot(models[name]["test_accuracy_ci95"], [row, row], color=MODEL_COLOURS[name], linewidth=2.2)
        place, marker = (share, "o") if share > floor else (floor, "<")
        axes.plot(place, row, marker, color=MODEL_COLOURS[name], markersize=8, clip_on=False)
    axes.plot(claimed, rows, "D", color=INK, mfc=PAPER, ms=8.5, mew=1.6, zorder=1.5)
    columns = pd.DataFrame({"◇ reported": claimed, "● measured": measured}).dropna(axis="columns", how="all")
    write_columns(axes, columns.map(percent, na_action="ignore").fillna(""))
    found = {"measured": measured, "reported": reported, "higher": (measured > claimed).sum()}
    return described(figure, "reported", models[names[-1]]["n"], **found)


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
    figure, axes = plt.subplots(figsize=layout((7.6, 4.4), (3.7, 5.4)))
    for name, shares in accuracies.sort_values(accuracies.columns[-1], ascending=False).iterrows():
        look = model_look(name) | {"label": f"{percent(shares.iloc[-1])} {MODEL_NAMES[str(name)]}"}
        intervals = [evaluation.accuracy_interval(shares[each] * n[each], n[each]) for each in accuracies]
        axes.errorbar(range(len(shares)), shares, np.abs(np.transpose(intervals) - shares.to_numpy()), elinewidth=4,
                      capsize=0, ecolor=(look["color"], 0.25), ms=6, **look)  # fmt: skip
    ends = f"{elsewhere[-1]} {accuracies.columns.name or ''}".strip()
    figure.legend(loc=layout("outside right upper", "outside lower center"), title=ends, alignment="left")
    sizes = {each: f"\nn = {n[each]:,}" if len(set(n.values())) > 1 else "" for each in accuracies}
    heads = [str(each).replace(" ", layout(" ", "\n")) + sizes[each] for each in accuracies]
    axes.set_xticks(range(len(heads)), heads, fontsize=layout(9.5, 8.5))
    axes.set(ylim=(None, 1.01), xlabel=accuracies.columns.name or "")
    axes.yaxis.set(label_text="accuracy", major_formatter=PERCENT)
    falls = (accuracies[[home]].round(3).to_numpy() - accuracies[elsewhere].round(3)).stack().round(3)
    found = {"falls": falls, "accuracies": accuracies, "home": home, "elsewhere": elsewhere}
    return described(figure, "slopes", None if any(sizes.values()) else n[home], **found)


@in_two_layouts
def draw_embedding(points: np.ndarray, labels: np.ndarray, predicted: np.ndarray) -> Drawing:
    """Draw images as points of a map (N, 2), coloured by their (N,) labels, and rings where ``predicted`` differs."""
    figure, axes = plt.subplots(figsize=layout((6.4, 6), (3.7, 4.6)))
    for label in np.unique(labels):
        name = CLASS_NAMES[label]
        x, y = points[labels == label].T
        axes.scatter(x, y, layout(16, 9), CLASS_COLOURS[name], marker="osD^vPX*"[label], lw=0)
        box = {"facecolor": PAPER, "alpha": 0.85, "edgecolor": CLASS_COLOURS[name], "pad": 2}
        axes.text(np.median(x), np.median(y), name, fontsize=layout(9.5, 8), ha="center", bbox=box, zorder=4)
    wrong = points[labels != predicted]
    axes.scatter(wrong[:, 0], wrong[:, 1], layout(60, 36), "none", edgecolors=INK, linewidths=1, zorder=3)
    axes.axis("equal")
    axes.axis("off")
    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
    neighbours = np.take(CLASS_NAMES, np.sort([labels, labels[nearest]], axis=0))
    meetings = pd.crosstab(*neighbours).stack()[lambda counts: [a != b for a, b in counts.index]]
    found = {"meetings": meetings, "classes": len(np.unique(labels)), "errors": len(wrong)}
    return described(figure, "embedding", len(points), **found)
