"""How good the models are, drawn: accuracy, confusion, differences, calibration, review, cost."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.style import DIVERGING_MAP, GRID, INK, MODEL_COLOURS, MUTED, PAPER


def draw_comparison(
    scores: dict[str, dict[str, Any]], reported: dict[str, float], labels: dict[str, str], n: int
) -> Figure:
    """Return each model's accuracy with its 95 % interval, best first, and a cross where the report put it.

    The axis starts a little below the lowest accuracy above one half; lower ones are written at its edge.
    """
    ordered = sorted(scores, key=lambda name: -scores[name]["accuracy"])
    values = [scores[name]["accuracy"] for name in ordered] + list(reported.values())
    learnt = [value for value in values if value > 0.5]
    floor = np.floor(20 * (min(learnt) - 0.02)) / 20 if 0 < len(learnt) < len(values) else None
    figure, axes = plt.subplots(figsize=(7, 0.55 * len(scores) + 1.6))
    for row, name in enumerate(ordered):
        accuracy, (low, high) = scores[name]["accuracy"], scores[name]["accuracy_ci95"]
        if floor is not None and accuracy < floor:
            axes.annotate(f"◀ {accuracy:.4f}", (floor, row), (4, 0), textcoords="offset points", va="center")
            continue
        interval = [[accuracy - low], [high - accuracy]]
        axes.errorbar(accuracy, row, None, interval, "o", color=MODEL_COLOURS[name], ms=7, linewidth=2.2)
        axes.annotate(f"{accuracy:.4f}", (accuracy, row), (0, 8), textcoords="offset points", ha="center")
    rows = [row for row, name in enumerate(ordered) if name in reported]
    if rows:
        places = [reported[ordered[row]] for row in rows]
        axes.plot(places, rows, "x", color=MUTED, markersize=8, markeredgewidth=2, label="as reported")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1))
    axes.set_yticks(range(len(ordered)), [labels.get(name, name) for name in ordered])
    axes.set(xlim=(floor, None), ylim=(len(ordered) - 0.4, -0.7))
    axes.set_xlabel(f"top-1 accuracy on {n:,} test images, with 95 % interval")
    return figure


def draw_confusion(matrix: np.ndarray) -> Figure:
    """Return a confusion matrix: counts as text, errors shaded by their number, right answers left plain."""
    errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    figure, axes = plt.subplots(figsize=(7.6, 6))
    sns.heatmap(
        errors, mask=matrix == 0, annot=matrix, fmt="d", cmap="YlOrRd", vmin=0, square=True, linewidths=0.5,
        linecolor=GRID, xticklabels=CLASS_NAMES, yticklabels=CLASS_NAMES, ax=axes,
        cbar_kws={"label": "images, errors only"},
    )  # fmt: skip
    axes.grid(visible=False)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_xticks(axes.get_xticks(), CLASS_NAMES, rotation=40, ha="right")
    return figure


def draw_differences(pairs: pd.DataFrame, accuracies: dict[str, float], n: int) -> Figure:
    """Return a square of accuracy differences, row minus column, in points; best model first.

    Parameters
    ----------
    pairs : what `helpers.evaluation.compare_models` says of every pair
    accuracies : accuracy on the same ``n`` images by model name, written on the diagonal
    """
    ordered = sorted(accuracies, key=lambda name: -accuracies[name])
    shades = plt.get_cmap(DIVERGING_MAP)
    not_shown: dict[str, Any] = {"fill": False, "edgecolor": MUTED, "hatch": "///", "alpha": 0.35}
    figure, axes = plt.subplots(figsize=(7.4, 0.62 * len(ordered) + 2.1))

    def draw_cell(row: int, column: int, words: str, ink: str = MUTED, **box: Any) -> None:
        if box:
            axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, **box))
        weight = "normal" if ink == MUTED else "bold"
        axes.text(column, row, words, ha="center", va="center", color=ink, weight=weight, fontsize=9)

    for row, name in enumerate(ordered):
        draw_cell(row, row, f"{accuracies[name]:.2%}")
    for pair in pairs.itertuples():
        a, b = ordered.index(pair.a), ordered.index(pair.b)
        points = 100 * (pair.only_a - pair.only_b) / n
        for row, column, difference in ((a, b, points), (b, a, -points)):
            words = f"{difference:+.1f}".replace("-", "−")
            if pair.p >= 0.05:
                draw_cell(row, column, f"{words}\nn.s.", **not_shown)
                continue
            # Colour goes with the root of the difference and is full from 10 points on: small ones stay visible.
            colour = shades(0.5 + 0.5 * np.sign(difference) * np.sqrt(min(abs(difference) / 10, 1)))
            # white and black letters are equally legible at a relative luminance of 0.18
            is_dark = np.dot(np.power(colour[:3], 2.2), (0.2126, 0.7152, 0.0722)) < 0.18
            draw_cell(
                row, column, words, "#ffffff" if is_dark else "#000000", facecolor=colour, edgecolor="none"
            )
    axes.set_xticks(range(len(ordered)), [name.replace("_", "_\n") for name in ordered])
    axes.set_yticks(range(len(ordered)), ordered)
    axes.set(xlim=(-0.5, len(ordered) - 0.5), ylim=(len(ordered) - 0.5, -0.5), frame_on=False)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    handles = [
        Patch(facecolor=shades(0.88), label="row is better"),
        Patch(facecolor=shades(0.12), label="column is better"),
        Patch(**not_shown, label="n.s.: no difference shown"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def draw_reliability(
    labels: np.ndarray, before: dict[str, np.ndarray], after: dict[str, np.ndarray]
) -> Figure:
    """Return accuracy against confidence by model, before and after calibration, over the images of each bin.

    ``before`` and ``after`` hold (N, 8) probabilities of the same images by model name.
    """
    columns = min(4, len(before))
    rows = -(-len(before) // columns)
    figure, axes = plt.subplots(
        2 * rows, columns, figsize=(2.2 * columns + 0.4, 3.5 * rows + 0.7), sharex=True, sharey="row",
        height_ratios=[2.8, 1] * rows, squeeze=False,
    )  # fmt: skip
    uppers, lowers = axes[::2].ravel(), axes[1::2].ravel()
    for upper, lower, name in zip(uppers, lowers, before, strict=False):
        colour = MODEL_COLOURS[name]
        upper.axline((0, 0), slope=1, color=INK, linestyle=":", linewidth=1)
        first, second = (evaluation.reliability(labels, when[name]) for when in (before, after))
        upper.plot(first["confidence"], first["accuracy"], "s", color=MUTED, mfc="none", markersize=4)
        filled = second[second["n"] > 0]
        right = (filled["accuracy"] * filled["n"]).round().astype(int)
        intervals = map(evaluation.accuracy_interval, right, filled["n"])
        upper.vlines(filled["confidence"], *np.transpose(list(intervals)), color=colour, linewidth=1.2)
        upper.plot(filled["confidence"], filled["accuracy"], "o", color=colour, markersize=5)
        errors = [evaluation.expected_calibration_error(labels, when[name]) for when in (before, after)]
        upper.set_title(f"{name}\nECE {errors[0]:.1%} → {errors[1]:.1%}", fontsize=9.5)
        upper.set(xlim=(0, 1.03), ylim=(0, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        # half an image stands for none, which a logarithmic axis cannot show
        counts = [np.maximum(bins["n"], 0.5) for bins in (first, second)]
        lower.stairs(counts[1], evaluation.EDGES, baseline=0.5, fill=True, color=colour, alpha=0.6)
        lower.stairs(counts[0], evaluation.EDGES, baseline=0.5, color=MUTED, linewidth=1.2)
        lower.set_yscale("log")
        lower.set_yticks([1, 10, 100, 1_000], ["1", "10", "100", "1,000"], fontsize=8.5)
        lower.minorticks_off()
        lower.set(xlabel="confidence", ylim=(0.7, 2 * len(labels)))
        lower.tick_params(labelbottom=True)
    for axis in (*uppers[len(before) :], *lowers[len(before) :]):
        axis.axis("off")
    for upper, lower in zip(axes[::2, 0], axes[1::2, 0], strict=True):
        upper.set_ylabel("accuracy")
        lower.set_ylabel("images")
    handles = [
        Line2D([], [], linestyle="", marker="s", color=MUTED, mfc="none", label="before"),
        Line2D([], [], marker="o", color=INK, label="after, with 95 % interval"),
        Line2D([], [], linestyle=":", color=INK, label="confidence = accuracy"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def draw_review(
    labels: np.ndarray, probabilities: dict[str, np.ndarray], best: str, rule: dict[str, float]
) -> Figure:
    """Return the share of errors a human sees against the share of images reviewed, least sure first, by model.

    ``rule``, what `helpers.evaluation.apply_threshold` says of the model ``best``, is marked on its curve.
    """
    figure, axes = plt.subplots(figsize=(7.4, 4.2))
    for name in sorted(probabilities, key=lambda name: name == best):
        curve = evaluation.review_curve(labels, probabilities[name])
        width = 2.8 if name == best else 1.3
        axes.plot("reviewed", "errors_seen", data=curve, color=MODEL_COLOURS[name], lw=width, label=name)
    if rule["errors"]:
        place = rule["reviewed"], rule["errors_seen"] / rule["errors"]
        axes.plot(*place, "o", color=MODEL_COLOURS[best], markersize=9)
        axes.annotate(
            f"confidence ≤ {rule['threshold']:.3f}", place, (10, -12), textcoords="offset points",
            weight="bold", fontsize=9, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    axes.axline((0, 0), slope=1, color=MUTED, linestyle=":", linewidth=1.2, label="in random order")
    axes.set(xlim=(0, max(0.5, 1.3 * rule["reviewed"])), ylim=(0, 1.02), ylabel="share of errors seen",
             xlabel="share of test images reviewed, least confident first")  # fmt: skip
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def draw_pareto(table: pd.DataFrame) -> Figure:
    """Return test error against training minutes and against operations, each model labelled where it stands.

    ``table`` is that of `helpers.evaluation.cost_table`. Both axes are logarithmic, fewer errors are up; the line joins
    the models that no cheaper or equally cheap one beats (the Pareto front).
    """
    # no error at all has no place on a logarithmic axis
    table = table.assign(error=(100 * (1 - table["accuracy"])).clip(lower=0.05))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.3), sharey=True)
    for axes, column in ((left, "training, minutes"), (right, "MFLOP per image")):
        _draw_front(axes, table.assign(cost=table[column]).dropna(subset="cost"))
    left.set(xlabel="training, minutes", ylabel="test error (fewer is up)")
    right.set(xlabel="MFLOP per image (networks only)")
    left.set_ylim(1.6 * table["error"].max(), table["error"].min() / 1.6)
    return figure


def pareto_front(cost: pd.Series, accuracy: pd.Series) -> list[str]:
    """Return the models that none of the same or lower cost equals or beats in accuracy, cheapest first."""
    table = pd.DataFrame({"cost": cost, "accuracy": accuracy}).dropna()
    table = table.sort_values(["cost", "accuracy"], ascending=[True, False], kind="stable")
    best_before = table["accuracy"].cummax().shift(fill_value=-np.inf)
    return [str(name) for name in table.index[table["accuracy"] > best_before]]


def _draw_front(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the models of ``table`` by cost and error (columns), each with its name, and the line of the front."""
    front = pareto_front(table["cost"], table["accuracy"])
    axes.plot("cost", "error", data=table.loc[front], color=MUTED, lw=1.2, ds="steps-post", zorder=1)
    axes.set(xscale="log", yscale="log", yticks=(0.2, 0.5, 1, 2, 5, 10, 20, 50, 100))
    axes.yaxis.set_major_formatter("{x:g} %")
    axes.locator_params("x", subs=(1, 3))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.margins(x=0.3)
    for name, (cost, error) in table[["cost", "error"]].iterrows():
        axes.plot(cost, error, "o", color=MODEL_COLOURS[name], markersize=9)
        others = table.drop(name)
        close = others[others["cost"].between(cost / 5, cost * 5)]
        close = close[close["error"].between(error / 1.5, error * 1.5)]
        # a name stands above its dot; with another dot close by, on the side away from that one, or below
        place, ha, va = (0, 8), "center", "bottom"
        if len(close) and (close["cost"] > 1.1 * cost).all():
            place, ha, va = (-8, 0), "right", "center"
        elif len(close) and (close["cost"] < cost / 1.1).all():
            place, ha, va = (8, 0), "left", "center"
        elif (close["error"] < error).any():
            place, ha, va = (0, -9), "center", "top"
        axes.annotate(name, (cost, error), place, textcoords="offset points", ha=ha, va=va, fontsize=8.5,
                      weight="bold" if name in front else "normal")  # fmt: skip
