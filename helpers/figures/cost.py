"""What accuracy costs, drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from helpers.figures.style import MODEL_COLOURS, MUTED

ERRORS = np.array([0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])
"""Ticks of the axis of errors, in per cent."""


def draw_pareto(table: pd.DataFrame) -> Figure:
    """Return test error against training minutes and against operations, each model labelled where it stands.

    ``table`` is that of `helpers.evaluation.cost_table`. Both axes are logarithmic, fewer errors are up; the line joins
    the models that no cheaper or equally cheap one beats (the Pareto front).
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.3), sharey=True)
    columns = {"training, minutes": "training, minutes", "MFLOP per image": "MFLOP per image (networks only)"}
    for axes, (column, words) in zip(panels, columns.items(), strict=True):
        _draw_front(axes, table[[column, "accuracy"]].dropna().set_axis(["cost", "accuracy"], axis=1))
        axes.set(xlabel=words)
    errors = _errors(table["accuracy"])
    panels[0].set(ylabel="test error (fewer is up)", ylim=(1.6 * errors.max(), errors.min() / 1.6))
    return figure


def pareto_front(cost: pd.Series, accuracy: pd.Series) -> list[str]:
    """Return the models that none of the same or lower cost equals or beats in accuracy, cheapest first."""
    table = pd.DataFrame({"cost": cost, "accuracy": accuracy}).dropna()
    table = table.sort_values(["cost", "accuracy"], ascending=[True, False], kind="stable")
    best_before = table["accuracy"].cummax().shift(fill_value=-np.inf)
    return [str(name) for name in table.index[table["accuracy"] > best_before]]


def _errors(accuracy: pd.Series) -> pd.Series:
    return (100 * (1 - accuracy)).clip(lower=0.05)  # none at all has no place on a logarithmic axis


def _draw_front(axes: Axes, table: pd.DataFrame) -> None:
    errors = _errors(table["accuracy"])
    front = pareto_front(table["cost"], table["accuracy"])
    axes.plot(
        table.loc[front, "cost"], errors[front], color=MUTED, linewidth=1.2, drawstyle="steps-post", zorder=1
    )
    axes.set(xscale="log", yscale="log")
    axes.set_yticks(ERRORS)
    axes.yaxis.set_major_formatter("{x:g} %")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.margins(x=0.3)
    for name, error in errors.items():
        cost = table.loc[name, "cost"]
        axes.plot(cost, error, "o", color=MODEL_COLOURS[name], markersize=9)
        close = table[table["cost"].between(cost / 5, cost * 5) & errors.between(error / 1.5, error * 1.5)]
        beside, below = close[close.index != name]["cost"], (errors[close.index] < error).any()
        # a name stands above its dot; with another dot close by, on the side away from that one, or below
        place, ha, va = ((0, -9), "center", "top") if below else ((0, 8), "center", "bottom")
        if (beside > 1.1 * cost).all() and len(beside):
            place, ha, va = (-8, 0), "right", "center"
        elif (beside < cost / 1.1).all() and len(beside):
            place, ha, va = (8, 0), "left", "center"
        axes.annotate(name, (cost, error), place, textcoords="offset points", ha=ha, va=va, fontsize=8.5,
                      weight="bold" if name in front else "normal")  # fmt: skip
