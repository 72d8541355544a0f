"""How models come to be, drawn: training curves, the ladder, what single changes do, and the evidence they find."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from skimage.util import montage

from helpers.data import CLASS_NAMES, SIDE
from helpers.figures.pieces import name_rows, write_columns
from helpers.figures.publish import Drawing, described, in_two_layouts
from helpers.figures.style import INK, MODEL_COLOURS, MUTED, PAPER, PERCENT, layout
from helpers.notation import MODEL_NAMES, percent


@in_two_layouts
def draw_training_curves(histories: dict[str, pd.DataFrame], n: int) -> Drawing | None:
    """Draw loss and accuracy over epochs, training dashed and hollow, validation solid, one colour per model.

    The finding compares the last of several models with the first. ``n`` counts the validation images. None where a
    model was trained for fewer than three epochs.
    """
    if min(map(len, histories.values())) < 3:
        return None
    figure, (left, right) = plt.subplots(*layout((1, 2), (2, 1)), figsize=layout((9.5, 4.2), (3.7, 6.6)))
    for axes, column, label in ((left, "loss", "cross-entropy"), (right, "accuracy", "accuracy")):
        for name, history in histories.items():
            look, words = {"color": MODEL_COLOURS[name], "marker": "o", "ms": 3.5}, MODEL_NAMES[name]
            axes.plot(history[column], "--", mfc=PAPER, label=f"{words}, training", **look)
            axes.plot(history[f"val_{column}"], label=f"{words}, validation", **look)
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.yaxis.set_major_formatter(PERCENT)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=layout(2, 1))
    return described(figure, "training", n, histories=histories)


@in_two_layouts
def draw_ladder(table: pd.DataFrame, reported: dict[str, float], n: int) -> Drawing | None:
    """Draw the steps of `helpers.evaluation.compute_ladder` from top to bottom: accuracy, interval, gain.

    A dotted line separates the original report's changes from those below. A step that was not kept is hollow, and the
    line from step to step passes it by. Crosses are accuracies ``reported``, by model name. ``n`` counts the validation
    images. None for fewer than four steps.
    """
    if len(table) < 4:
        return None
    rows, kept, accuracy = np.arange(len(table)), table["is_kept"], table["accuracy"]
    colours = [MODEL_COLOURS.get(step, INK) for step in table.index]
    figure, axes = plt.subplots(figsize=layout((9, 0.36 * len(table) + 1), (3.7, 0.5 * len(table) + 1)))
    axes.step(accuracy[kept], rows[kept], where="pre", color=MUTED, linewidth=1, zorder=1)
    axes.hlines(rows, table["accuracy_low"], table["accuracy_high"], colors=colours, linewidth=2)
    axes.scatter(accuracy, rows, 50, np.where(kept, colours, PAPER), edgecolors=colours, zorder=3)
    named = [f"{MODEL_NAMES[step]}: " if step in MODEL_NAMES else "" for step in table.index]
    first, *others = [f"{name}+ {change}" for change, name in zip(table["change"], named, strict=True)]
    name_rows(axes, [first.partition(":")[0], *others], 19)
    write_columns(axes, accuracy.map(percent).to_frame())
    crosses = table.index.map(reported)
    if crosses.notna().any():
        axes.plot(crosses, rows, "x", color=INK, markersize=7, label="original report")
        figure.legend(loc="outside lower center")
    axes.axhline(table["of_report"].sum() - 0.5, color=MUTED, linestyle=":", linewidth=1)
    axes.xaxis.set(label_text="validation accuracy", major_formatter=PERCENT)
    axes.set_xlim(right=min(1.0, axes.get_xlim()[1]))
    return described(figure, "ladder", n, accuracy=accuracy, gains=table["gain"].iloc[1:])


@in_two_layouts
def draw_calibration(table: pd.DataFrame, n: int) -> Drawing:
    """Draw, by model, the expected calibration error on ``n`` images before and after.

    ``table`` has a row per model, and the columns ece and ece_calibrated. The axis goes with the cube root, on which
    zero has a place.
    """
    before, after = table["ece"], table["ece_calibrated"]
    rows, colours = range(len(table)), [MODEL_COLOURS[str(name)] for name in table.index]
    figure, axes = plt.subplots(figsize=(layout(7.5, 3.7), layout(0.42, 0.5) * len(table) + 1.7))
    axes.hlines(rows, before, after, colors=colours, linewidth=1.5)
    for shares, inside in ((before, PAPER), (after, colours)):
        axes.scatter(shares, rows, 50, inside, edgecolors=colours, clip_on=False, zorder=3)
    axes.set_xscale("function", functions=(np.cbrt, lambda root: root**3))
    axes.set(xticks=layout([0, 0.01, 0.05, 0.2], [0, 0.01, 0.2]), xlim=(0, None))
    axes.xaxis.set(label_text="expected calibration error", major_formatter=PERCENT)
    name_rows(axes, [MODEL_NAMES[str(name)] for name in table.index])
    write_columns(axes, pd.DataFrame({"○ before": before, "● after": after}).map(percent))
    return described(figure, "calibration", n, before=before, after=after)


@in_two_layouts
def draw_explanations(
    images: np.ndarray, labels: np.ndarray, maps: dict[str, np.ndarray], shown: np.ndarray
) -> Drawing:
    """Draw the images at the positions ``shown``, each with the networks' maps over pale copies of it.

    ``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers. ``maps`` (N, 48, 48) by network are those of
    `helpers.evaluation.explain`, drawn up to the largest value of those shown in orange (for the class) and purple
    (against it). The finding is about all N maps of the last network.
    """
    colours = plt.get_cmap("PuOr_r")
    pale = images[shown].mean(axis=3, keepdims=True) / 255 * 0.5 + 0.5
    rows, shares, space = {"image": images[shown]}, {}, layout(" ", "\n")
    for name, evidence in maps.items():
        values = evidence[shown] / (np.abs(evidence[shown]).max() or 1)
        strength = np.abs(values)[..., np.newaxis] ** 0.5
        positive = evidence.clip(0)
        central, total = positive[:, 12:36, 12:36].sum(), positive.sum()
        share = shares[name] = percent(central / total, 0) if total else "none"
        heading = MODEL_NAMES[name].replace(" ", "\n") + f"\n{share}{space}central"
        rows[heading] = pale * (1 - strength * (1 - colours((values + 1) / 2)[..., :3])) * 255
    size = layout((1.0 * len(shown) + 1.2, 1.0 * len(rows) + 0.7), (3.7, 0.72 * len(shown) + 1.2))
    figure, axes = plt.subplots(figsize=size, subplot_kw={"frame_on": False})
    classes = [CLASS_NAMES[label].replace(" ", "\n") for label in labels[shown]]
    left, top = layout((list(rows), classes), (classes, list(rows)))
    pictures = np.insert(np.array(list(rows.values())).astype(np.uint8), 3, 255, axis=-1)  # opaque
    pictures = layout(pictures, pictures.swapaxes(0, 1)).reshape(-1, SIDE, SIDE, 4)
    gap, shape = 4, (len(left), len(top))
    axes.imshow(montage(pictures, (0, 0, 0, 0), grid_shape=shape, padding_width=gap, channel_axis=3))
    for axis, words in ((axes.xaxis, top), (axes.yaxis, left)):
        axis.set_ticks(gap + SIDE / 2 + (SIDE + gap) * np.arange(len(words)), words, fontsize=9)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    return described(figure, "explanations", len(images), model=list(shares)[-1], shares=shares)


@in_two_layouts
def draw_adaptation(curve: pd.DataFrame, model: str, n: int) -> Drawing:
    """Draw the `helpers.evaluation.adaptation_curve` of a model on ``n`` images: accuracies by labels per class."""
    figure, axes = plt.subplots(figsize=layout((7.5, 3.6), (3.7, 3.6)))
    for name, words, look in (("accuracy", "accuracy", "o-"), ("balanced_accuracy", "balanced accuracy", "s--")):
        colour, places = INK if "balanced" in name else MODEL_COLOURS[model], range(len(curve))
        axes.fill_between(places, curve[f"{name}_low"], curve[f"{name}_high"], color=colour, alpha=0.12, linewidth=0)
        axes.plot(places, curve[name], look, color=colour, label=words)
    axes.set_xticks(places, list(map(str, curve.index)))
    axes.set_xlabel("labels of each class from the other laboratory")
    axes.yaxis.set_major_formatter(PERCENT)
    figure.legend(loc="outside lower center", ncols=2)
    return described(figure, "adaptation", n, curve=curve, model=model)
