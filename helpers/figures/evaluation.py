"""The drawings of the evaluation: differences between models, calibration, review, errors."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import PercentFormatter

from helpers.data import CLASS_NAMES
from helpers.evaluation import EDGES, accuracy_interval, expected_calibration_error, reliability, review_curve
from helpers.figures.style import CLASS_COLOURS, DIVERGING_MAP, INK, MODEL_COLOURS, MUTED, PAPER


def draw_differences(pairs: pd.DataFrame, accuracies: dict[str, float], n: int) -> Figure:
    """Return a square of accuracy differences, row minus column, in points; best model first.

    Parameters
    ----------
    pairs : what `helpers.evaluation.compare_models` says of every pair
    accuracies : accuracy on the same ``n`` images by model name, written on the diagonal
    """
    ordered = sorted(accuracies, key=lambda name: -accuracies[name])
    found = {}
    for pair in pairs.itertuples():
        points = 100 * (pair.only_a - pair.only_b) / n
        found[pair.a, pair.b], found[pair.b, pair.a] = (points, pair.p), (-points, pair.p)
    # Colour goes with the root of the difference and is full from 10 points on: small ones stay visible.
    not_shown: dict[str, Any] = {"fill": False, "edgecolor": MUTED, "hatch": "///", "alpha": 0.35}
    figure, axes = plt.subplots(figsize=(7.4, 0.62 * len(ordered) + 2.1))
    for row, name in enumerate(ordered):
        for column, other in enumerate(ordered):
            corner = (column - 0.48, row - 0.48)
            if name == other:
                words, ink, weight = f"{accuracies[name]:.2%}", MUTED, "normal"
            else:
                points, p = found[name, other]
                words, ink, weight = f"{points:+.1f}".replace("-", "−"), MUTED, "normal"
                if p < 0.05:
                    shade = 0.5 + 0.5 * np.sign(points) * np.sqrt(min(abs(points) / 10, 1))
                    colour = plt.get_cmap(DIVERGING_MAP)(shade)
                    axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=colour, edgecolor="none"))
                    # white and black letters are equally legible at a relative luminance of 0.18
                    dark = np.dot(np.power(colour[:3], 2.2), (0.2126, 0.7152, 0.0722)) < 0.18
                    ink, weight = ("#ffffff" if dark else "#000000"), "bold"
                else:
                    axes.add_patch(Rectangle(corner, 0.96, 0.96, **not_shown))
                    words += "\nn.s."
            axes.text(column, row, words, ha="center", va="center", color=ink, weight=weight, fontsize=9)
    axes.set_xticks(range(len(ordered)), [name.replace("_", "_\n") for name in ordered])
    axes.set_yticks(range(len(ordered)), ordered)
    axes.set(xlim=(-0.5, len(ordered) - 0.5), ylim=(len(ordered) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    shades = plt.get_cmap(DIVERGING_MAP)
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
    panels = axes.reshape(rows, 2, columns).swapaxes(1, 2).reshape(-1, 2)
    for axis in panels[len(before) :].flat:
        axis.axis("off")
    for (upper, lower), name in zip(panels, before, strict=False):
        upper.axline((0, 0), slope=1, color=INK, linestyle=":", linewidth=1)
        first, second = reliability(labels, before[name]), reliability(labels, after[name])
        upper.plot(first["confidence"], first["accuracy"], "s", color=MUTED, mfc="none", markersize=4)
        filled = second[second["n"] > 0]
        low, high = np.array([accuracy_interval(round(b.accuracy * b.n), b.n) for b in filled.itertuples()]).T
        upper.vlines(filled["confidence"], low, high, color=MODEL_COLOURS[name], linewidth=1.2)
        upper.plot(filled["confidence"], filled["accuracy"], "o", color=MODEL_COLOURS[name], markersize=5)
        errors = [expected_calibration_error(labels, when[name]) for when in (before, after)]
        upper.set_title(f"{name}\nECE {errors[0]:.1%} → {errors[1]:.1%}", fontsize=9.5)
        # half an image stands for none, which a logarithmic axis cannot show
        lower.stairs(
            np.maximum(second["n"], 0.5), EDGES, baseline=0.5, fill=True, color=MODEL_COLOURS[name], alpha=0.6
        )
        lower.stairs(np.maximum(first["n"], 0.5), EDGES, baseline=0.5, color=MUTED, linewidth=1.2)
        lower.set_yscale("log")
        lower.set_yticks([1, 10, 100, 1_000], ["1", "10", "100", "1,000"], fontsize=8.5)
        lower.minorticks_off()
        lower.set(xlabel="confidence", ylim=(0.7, 2 * len(labels)))
        lower.tick_params(labelbottom=True)
        upper.set(xlim=(0, 1.03), ylim=(0, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    for upper, lower in panels[::columns]:
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
        curve = review_curve(labels, probabilities[name])
        width = 2.8 if name == best else 1.3
        axes.plot(
            curve["reviewed"], curve["errors_seen"], color=MODEL_COLOURS[name], linewidth=width, label=name
        )
    if rule["errors"]:
        place = rule["reviewed"], rule["errors_seen"] / rule["errors"]
        axes.plot(*place, "o", color=MODEL_COLOURS[best], markersize=9)
        words = f"confidence ≤ {rule['threshold']:.3f}"
        axes.annotate(
            words, place, (10, -12), textcoords="offset points", weight="bold", fontsize=9,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    axes.axline((0, 0), slope=1, color=MUTED, linestyle=":", linewidth=1.2, label="in random order")
    axes.set(xlim=(0, max(0.5, 1.3 * rule["reviewed"])), ylim=(0, 1.02), ylabel="share of errors seen",
             xlabel="share of test images reviewed, least confident first")  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def draw_errors(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, positions: np.ndarray
) -> Figure:
    """Return the images at ``positions``, each with its true class, its predicted one and all eight probabilities."""
    columns = 3
    rows = max(1, -(-len(positions) // columns))
    figure, axes = plt.subplots(
        rows, 2 * columns, figsize=(9, 1.72 * rows + 1.0), width_ratios=[1, 1.15] * columns, squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for (picture, bars), position in zip(axes.reshape(-1, 2), positions, strict=False):
        true, shares = labels[position], probabilities[position]
        said = shares.argmax()
        picture.imshow(images[position])
        picture.set_title(
            f"label: {CLASS_NAMES[true]} {shares[true]:.0%}\nsaid: {CLASS_NAMES[said]} {shares[said]:.0%}",
            fontsize=8.5, weight="normal",
        )  # fmt: skip
        bars.barh(range(len(shares)), shares, color=list(CLASS_COLOURS.values()), edgecolor="none")
        bars.set(xlim=(0, 1), ylim=(len(shares) - 0.4, -0.6))
        bars.axvline(0, color=MUTED, linewidth=1)
        bars.annotate(
            "◀ label", (shares[true], true), (3, 0), textcoords="offset points", va="center", fontsize=7.5
        )
    handles = [Patch(facecolor=colour, label=name) for name, colour in CLASS_COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure
