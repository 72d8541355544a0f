"""How good the models are, drawn: recall and confusion."""

from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.publish import Drawing, in_two_layouts
from helpers.figures.style import GRID, MODEL_COLOURS, PAPER, PERCENT, layout, model_look
from helpers.notation import listed, model_name, percent, sentence

ABBREVIATIONS = {
    "eosinophil": "EOS",
    "basophil": "BAS",
    "neutrophil": "NEU",
    "immature granulocyte": "IG",
    "monocyte": "MON",
    "lymphocyte": "LYM",
    "erythroblast": "ERB",
    "platelet": "PLT",
}
"""Class name -> abbreviation, classes that look alike side by side."""


@in_two_layouts
def draw_recall(scores: dict[str, dict[str, Any]], best: str) -> Drawing:
    """Draw the recall of every class by every model with its 95 % interval, classes as the model ``best`` finds them.

    ``scores`` are those of `helpers.evaluation.score` by model, for the same images. The axis starts below the
    lowest recall of the models with an accuracy of 80 % or more; lower ones are arrows at its edge.
    """
    recalls = pd.DataFrame({name: each["recall"] for name, each in scores.items()})
    recalls = recalls.sort_values(best, ascending=False, kind="stable")
    support = pd.Series(scores[best]["support"])[recalls.index]
    good = [name for name, each in scores.items() if each["accuracy"] >= 0.8]
    floor = max(0.0, np.floor(10 * recalls[good].min(axis=None) - 0.2) / 10) if good else 0.0
    size = layout((8, 0.105 * recalls.size + 1.3), (3.7, 0.115 * recalls.size + 2.1))
    figure, axes = plt.subplots(figsize=size)
    for place, (name, shares) in zip(np.linspace(-0.36, 0.36, len(scores)), recalls.items(), strict=True):
        rows = np.arange(len(shares)) + place
        intervals = list(map(evaluation.accuracy_interval, shares * support, support))
        errors = np.abs(np.transpose(intervals) - shares.to_numpy())
        axes.errorbar(shares, rows, xerr=errors, ls="", ms=4.5, lw=1, capsize=0, **model_look(name))
        axes.plot(np.where(shares < floor, floor, np.nan), rows, "<", color=MODEL_COLOURS[str(name)], ms=4.5)
    axes.hlines(np.arange(1, len(recalls)) - 0.5, 0, 1, color=GRID, linewidth=0.7)
    labels = [fill(f"{name}, n\xa0=\xa0{count:,}", layout(40, 13)) for name, count in support.items()]
    axes.set_yticks(range(len(labels)), labels)
    axes.set(ylim=(len(recalls) - 0.5, -0.5), xlim=(floor - 0.01, 1.01))
    axes.set_xlabel("recall (◂ lower)" if recalls.min(axis=None) < floor else "recall")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.grid(axis="y", visible=False)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=layout(4, 2), columnspacing=1.2
    )
    lowest = recalls[best].min()
    least = listed(f"{name}s" for name in recalls.index[recalls[best] == lowest])
    finding = f"{model_name(best)} recognises {least} least often, with a recall of {percent(lowest)}"
    if lowest in (0, recalls[best].max()):
        finding = f"{model_name(best)} recognises {percent(lowest) if lowest else 'none'} of the {least}"
    spread = recalls.max(axis=1) - recalls.min(axis=1)
    widest = listed(f"{name}s" for name in spread.index[spread == spread.max()])
    differences = f" Models differ most for {widest}." if spread.any() else ""
    alt = f"Dot plot with intervals, by class and model.{differences}"
    return Drawing(figure, sentence(finding), alt, scores[best]["n"])


def fill_matrix(axes: Axes, values: pd.DataFrame, words: np.ndarray, colours: str) -> None:
    """Fill ``axes`` with ``words``, of which a second line is small, on the ``colours`` of ``values`` in [0, 1].

    A negative value is grey, and where it is missing the cell stays empty.
    """
    scale = plt.get_cmap(colours).with_extremes(under="#d5d8dd")
    sns.heatmap(values, vmin=0, vmax=1, cmap=scale, annot=words, fmt="", annot_kws={"fontsize": layout(9.5, 8.5)},
                cbar=False, linewidths=1.5, linecolor=PAPER, ax=axes)  # fmt: skip
    for text, face in zip(list(axes.texts), scale(values.to_numpy()[values.notna()]), strict=True):
        # white and black letters are equally legible at a relative luminance of 0.18
        is_dark = np.dot(np.power(face[:3], 2.2), (0.2126, 0.7152, 0.0722)) < 0.18
        text.set_color("#ffffff" if is_dark else "#000000")
        first, is_split, second = text.get_text().partition("\n")
        if is_split:
            text.set(text=first, va="bottom")
            axes.annotate(second, text.get_position(), (0, -1), textcoords="offset points", ha="center",
                          va="top", color=text.get_color(), fontsize=7.5)  # fmt: skip
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0, rotation=0, labelsize=layout(9.5, 8))
    axes.grid(visible=False)


@in_two_layouts
def draw_confusion(labels: np.ndarray, probabilities: np.ndarray, model: str) -> Drawing:
    """Draw the confusion matrix of a model for (N,) labels and (N, 8) probabilities: shares of rows, and counts."""
    names = list(ABBREVIATIONS)
    order = [CLASS_NAMES.index(name) for name in names]
    counts = evaluation.confusion_matrix(labels, probabilities)[np.ix_(order, order)]
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    is_right = np.eye(len(counts), dtype=bool)
    pairs = zip(shares.flat, counts.flat, strict=True)
    words = np.reshape([f"{100 * share:.1f}\n{count:,}" for share, count in pairs], counts.shape)
    # colour goes with the root of the share: small ones stay visible
    values = np.where(is_right & (totals > 0), -1, np.where(counts, 0.08 + 0.9 * np.sqrt(shares), np.nan))
    rows = [layout(f"{name} ({short})", short) for name, short in ABBREVIATIONS.items()]
    figure, axes = plt.subplots(figsize=layout((8, 5.4), (3.7, 4.6)))
    fill_matrix(axes, pd.DataFrame(values, rows, list(ABBREVIATIONS.values())), words, "YlOrRd")
    axes.set_xlabel("predicted class", labelpad=8)
    axes.set_ylabel("true class")
    key = [f"{short}  {name}" for name, short in ABBREVIATIONS.items()]
    for x, some in layout((), ((0, key[:4]), (0.5, key[4:]))):
        axes.text(x, -0.03, "\n".join(some), transform=axes.transAxes, va="top", fontsize=8.5)
    errors = np.where(is_right, 0, counts)
    worst = np.argwhere(errors == errors.max())
    finding = f"no confusion of {model_name(model)} stands out"
    if not errors.any():
        finding = f"{model_name(model)} makes no error on these images"
    elif len(worst) < 3:
        answers = {true: [f"{names[place]}s" for row, place in worst if row == true] for true, _ in worst}
        mistaken = listed(f"{names[true]}s for {listed(others)}" for true, others in answers.items())
        finding = f"{model_name(model)} most often mistakes {mistaken}"
    alt = f"Confusion matrix of {model_name(model)} with {percent(np.trace(counts) / len(labels))} correct."
    return Drawing(figure, sentence(finding), alt, len(labels))
