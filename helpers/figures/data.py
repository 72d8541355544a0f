"""Figures of the data: its course through the study, class frequencies, colours, lightness and size by class."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from helpers.data import CLASS_NAMES
from helpers.figures.pieces import name_rows
from helpers.figures.publish import Drawing, in_two_layouts
from helpers.figures.style import CLASS_COLOURS, GRID, INK, MUTED, layout
from helpers.notation import counted, leaders, percent, sentence

ACCENTS = ("#5744f7", "#e27e10")
"""Colours of what is neither a class nor a model."""


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
    finding = "No test image plays a part in training or choosing the models"
    alt = "Flow diagram from images to claims. Training and validation images lead to the models, "
    return Drawing(figure, finding, alt + "and test images past them to the claims.")


@in_two_layouts
def draw_label_counts(labels: np.ndarray) -> Drawing:
    """Draw a bar per class with its number of images, most first; colours mark what claim C02 says of the classes."""
    first, second = ACCENTS
    colours = pd.Series([MUTED, first, MUTED, first, MUTED, MUTED, first, second], CLASS_NAMES)
    counts = pd.Series(np.bincount(labels, minlength=len(CLASS_NAMES)), CLASS_NAMES)
    counts = counts.sort_values(ascending=False, kind="stable")
    figure, axes = plt.subplots(figsize=layout((8, 3.8), (3.7, 4.2)))
    bars = axes.barh(range(len(counts)), counts, color=colours[counts.index])
    words = [f"{count:,} ({percent(count / len(labels))})" for count in counts]
    axes.bar_label(bars, words, padding=4, fontsize=9)
    name_rows(axes, [f"{name} ({CLASS_NAMES.index(name)})" for name in counts.index])
    axes.set(xlabel="images", xticks=[], xlim=(0, layout(1.2, 1.7) * counts.max()))
    present = counts[counts > 0]
    finding = f"{sentence(leaders(present))} are the most frequent, {leaders(-present)} the rarest"
    finding = finding if present.nunique() > 1 else "No class with images is more frequent than another"
    alt = f"Bar chart with a bar per class, falling from {counts.max():,} to {counts.min():,} images."
    return Drawing(figure, finding, alt, len(labels))


@in_two_layouts
def draw_blue_residual(residual: pd.Series, labels: np.ndarray) -> Drawing:
    """Draw a box per class of the blue that red and green leave unexplained, in grey levels, the highest mean first."""
    means = residual.groupby(np.take(CLASS_NAMES, labels)).mean().sort_values(ascending=False)
    bluest, excess = means.index[0], means.round(1).iloc[0]
    figure, axes = plt.subplots(figsize=layout((8, 3.8), (3.7, 4.4)))
    axes.axvline(0, color=INK, linewidth=1, zorder=0)
    _draw_boxes(axes, residual.rename("unexplained blue, grey levels"), labels, means.index, [bluest])
    finding = f"Images of {bluest}s have {excess} grey levels more blue than their red and green predict"
    finding = finding if excess > 0 else "No class has more blue than its red and green predict"
    alt = f"Box plot with a box per class, from {bluest} with the highest mean to {means.index[-1]}."
    return Drawing(figure, finding, alt, len(residual))


@in_two_layouts
def draw_lightness_and_size(statistics: pd.DataFrame, labels: np.ndarray) -> Drawing:
    """Draw a box per class of the columns grey and dark_area, the lightest class first."""
    means = statistics[["grey", "dark_area"]].groupby(np.take(CLASS_NAMES, labels)).mean()
    means = means.sort_values("grey", ascending=False)
    figure, axes = plt.subplots(*layout((1, 2), (2, 1)), figsize=layout((9.5, 3.8), (3.7, 8)), sharey=True)
    units = {"grey": "mean grey, 0 (black) to 255 (white)", "dark_area": "central dark region, pixels"}
    for panel, (column, unit) in zip(axes, units.items(), strict=True):
        values = statistics[column].rename(unit)
        if values.notna().any():
            _draw_boxes(panel, values, labels, means.index, ["eosinophil", "platelet"])
    grey, area = means["grey"].round(1), means["dark_area"].dropna().round(1)
    finding = f"Images of {leaders(grey)} are the lightest"
    if grey.nunique() < 2:
        finding = "No class is lighter than another"
    if area.nunique() > 1:
        whose = "" if leaders(-area) == leaders(grey) else f", and images of {leaders(-area)}"
        finding += f"{whose or ' and'} show the smallest dark regions"
    alt = f"Two box plots with a box per class, from {means.index[0]} with the lightest images to {means.index[-1]}."
    return Drawing(figure, finding, alt, len(statistics))


def _draw_boxes(axes: Axes, values: pd.Series, labels: np.ndarray, order: pd.Index, vivid: list[str]) -> None:
    """Draw a box per class of named ``values`` in this order, its mean as a diamond; the other classes are grey."""
    names = np.take(CLASS_NAMES, labels)
    sns.boxplot(
        x=values, y=names, order=order, hue=names, hue_order=order, legend=False, saturation=1,
        palette={name: CLASS_COLOURS[name] if name in vivid else GRID for name in order},
        fliersize=1.5, linewidth=1, ax=axes, showmeans=True,
        meanprops={"marker": "D", "markersize": 4, "markerfacecolor": INK, "markeredgecolor": INK},
    )  # fmt: skip
    name_rows(axes, [f"{name} ({CLASS_NAMES.index(name)})" for name in order])
