"""The study at a glance, drawn: what was reported and measured, home and elsewhere, a map of the images."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers.figures.publish import Drawing, in_two_layouts
from helpers.figures.style import INK, MODEL_COLOURS, PAPER, PERCENT, layout
from helpers.notation import MODEL_NAMES, model_name, percent, sentence


@in_two_layouts
def draw_reported(models: dict[str, dict[str, Any]], reported: dict[str, float]) -> Drawing:
    """Draw the accuracy of each model on test images, with its 95 % interval, against the one ``reported`` if any.

    ``models`` are those of results.json, drawn from top to bottom in their order. The axis starts below the lowest
    accuracy above one half, and lower ones are written at its edge.
    """
    names = list(models)
    accuracies = [models[name]["test_accuracy"] for name in names]
    learnt = [value for value in (*accuracies, *reported.values()) if value > 0.5]
    floor = max(0.0, np.floor(20 * min(learnt, default=0) - 0.4) / 20)
    figure, axes = plt.subplots(figsize=layout((8, 0.44 * len(names) + 1.3), (3.7, 0.56 * len(names) + 1.5)))
    for row, (name, accuracy) in enumerate(zip(names, accuracies, strict=True)):
        errors = np.abs(np.reshape(models[name]["test_accuracy_ci95"], (2, 1)) - accuracy)
        axes.errorbar(accuracy, row, None, errors, "o", color=MODEL_COLOURS[name], ms=7, linewidth=2.2)
        words = percent(accuracy) if accuracy >= floor else f"◂ {percent(accuracy)}"
        axes.annotate(words, (max(accuracy, floor), row), (0, 8), textcoords="offset points", ha="center")
        if name in reported:
            axes.plot(reported[name], row, "D", color=INK, mfc=PAPER, ms=8, mew=1.6, zorder=3)
    axes.set_yticks(
        range(len(names)), [MODEL_NAMES[name].replace(" ", layout(" ", "\n"), 1) for name in names]
    )
    axes.set(xlim=(floor, 1.002), ylim=(len(names) - 0.4, -0.8), xlabel="accuracy")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.grid(axis="y", visible=False)
    axes.plot([], [], "o", color=INK, label="this study, on test images")
    if reported:
        axes.plot([], [], "D", color=INK, mfc=PAPER, ms=8, mew=1.6, label="original report")
    figure.legend(loc="outside lower center", ncols=layout(2, 1))
    best = max(names, key=lambda name: models[name]["test_accuracy"])
    finding = f"{model_name(best)} reaches {percent(max(accuracies))} on test images"
    if reported:
        leader = max(reported, key=lambda name: reported[name])
        finding += f", and the report’s best model {percent(models[leader]['test_accuracy'])} instead of "
        finding += percent(reported[leader])
    alt = (
        f"Dot plot with intervals, a row per model, from {MODEL_NAMES[names[0]]} to {MODEL_NAMES[names[-1]]}."
    )
    return Drawing(figure, sentence(finding), alt, models[best]["n"])


def draw_slopes(accuracies: pd.DataFrame, n: dict[str, int]) -> Drawing | None:
    """Draw a line per model over the columns of ``accuracies``: at home, degraded and in another laboratory."""
    return None


def draw_embedding(points: np.ndarray, labels: np.ndarray, predicted: np.ndarray) -> Drawing | None:
    """Draw images as points of a map (N, 2), coloured by class, the errors of cellnet ringed."""
    return None
