"""Figures of the data: its course through the study, class frequencies, colours, lightness and size by class."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers.data import CLASS_NAMES
from helpers.figures.pieces import name_rows
from helpers.figures.publish import Drawing, described, in_two_layouts
from helpers.figures.style import CLASS_COLOURS, GRID, INK, MUTED, layout
from helpers.notation import counted, percent

ACCENTS = ("#5744f7", "#e27e10")  # colours of what is neither a class nor a model


@in_two_layouts
def draw_pipeline(images: int, dropped: int, parts: dict[str, int]) -> Drawing:
    """Draw the course of the study, from the images through splits and models to the claims.

    ``dropped`` counts the copies left out, ``parts`` the images in training, validation and test, in this order.
    """
    left_out = f"{counted(dropped, 'exact copy', 'exact copies')} left out" if dropped else "no exact copies"
    train, validation, test = (counted(part, "image") for part in parts.values())
    boxes = (  # place along the course and across it, heading, words, and the boxes that lead there
        (0, 1, counted(images, "image"), "in the data", ()),
        (1, 1, counted(sum(parts.values()), "image"), left_out, (0,)),
        (2, 0, "Training", f"{train} to train the models", (1,)),
        (2, 1, "Validation", f"{validation} to choose between them", (1,)),
        (2, 2, "Test", f"{test} to test them once, in chapter 6", (1,)),
        (3, 0.5, "Seven models", "two on features, five networks", (2, 3)),
        (4, 1, "Sixteen claims", "of the original report", (4, 5)),
    )
    figure, axes = plt.subplots(figsize=layout((9.6, 3), (3.7, 5.9)))
    axes.set(xlim=(-0.5, layout(4.5, 2.5)), ylim=(layout(2.5, 4.5), -0.5))
    axes.axis("off")
    drawn = []
    for along, across, heading, words, sources in boxes:
        place = layout((along, across), (across, along))
        line = {"color": ACCENTS[0], "lw": 1.7} if heading == "Test" else {"color": MUTED, "lw": 1}
        frame = {"boxstyle": "round,pad=0.6", "fill": False, **line}
        words = f"{heading}\n{textwrap.fill(words, 16)}"
        text = axes.text(*place, words, ha="center", va="center", fontsize=layout(9, 8.5), bbox=frame)
        box = text.get_bbox_patch()
        drawn.append((place, box, line))
        for source in sources:
            tail, start, look = drawn[source]
            arrow = {"arrowstyle": "-|>", "patchA": start, "patchB": box}
            axes.annotate("", place, tail, arrowprops=arrow | look)
    return described(figure, "pipeline", None)


@in_two_layouts
def draw_label_counts(labels: np.ndarray) -> Drawing:
    """Draw a bar per class with its number of images, most first; colours mark what claim C02 says of the classes."""
    first, second = ACCENTS
    colours = pd.Series([MUTED, first, MUTED, first, MUTED, MUTED, first, second], CLASS_NAMES)
    counts = pd.Series(np.bincount(labels, minlength=len(CLASS_NAMES)), CLASS_NAMES)
    counts = counts.sort_values(ascending=False, kind="stable")
    figure, axes = plt.subplots(figsize=layout((8, 3.8), (3.7, 4.2)))
    bars = axes.barh(range(len(counts)), counts, color=colours[counts.index])
    axes.bar_label(bars, [f"{count:,} ({percent(count / len(labels))})" for count in counts], padding=4, fontsize=9)
    name_rows(axes, [f"{name} ({CLASS_NAMES.index(name)})" for name in counts.index])
    axes.set(xlabel="images", xticks=[], xlim=(0, layout(1.2, 1.7) * counts.max()))
    return described(figure, "label_counts", len(labels), counts=counts, present=counts[counts > 0])


@in_two_layouts
def draw_by_class(values: pd.DataFrame, labels: np.ndarray, vivid: Sequence[str] = ()) -> Drawing:
    """Draw a panel for each column of ``values``, named as in "mean grey, 0 to 255", with a box per class.

    Diamonds are means. The classes are in order of the first column's means; those not ``vivid`` are grey, or all but
    the first.
    """
    names, count = np.take(CLASS_NAMES, labels), values.shape[1]
    means = values.groupby(names).mean().sort_values(str(values.columns[0]), ascending=False)
    order = means.index
    shape, size = layout(((1, count), (6.5 + 1.5 * count, 3.8)), ((count, 1), (3.7, 4.2 * count)))
    figure, panels = plt.subplots(*shape, figsize=size, sharey=True, squeeze=False)
    for axes, column in zip(panels.flat, values.dropna(axis="columns", how="all"), strict=False):
        groups = [values.loc[names == name, column].dropna() for name in order]
        boxes = axes.boxplot(groups, orientation="horizontal", positions=range(len(order)), widths=0.8)["boxes"]
        for box, name in zip(boxes, order, strict=True):
            box.set_facecolor(CLASS_COLOURS[name] if name in (vivid or order[:1]) else GRID)
        if values[column].min() < 0:
            axes.axvline(0, color=INK, linewidth=1, zorder=0)
        axes.set_xlabel(column + (f"\nn = {values[column].count():,}" if count > 1 else ""))
        name_rows(axes, [f"{name} ({CLASS_NAMES.index(name)})" for name in order])
    return described(figure, "by_class", len(values), means=means.round(1).dropna(axis="columns", how="all"))
