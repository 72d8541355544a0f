"""How good the models are, drawn: recall, confusion, review, and accuracy on corrupted and recoloured images."""

from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.pieces import fill_matrix, frame_shares, name_rows
from helpers.figures.publish import Drawing, described, in_two_layouts
from helpers.figures.style import GRID, INK, MODEL_COLOURS, MUTED, PERCENT, layout, model_look
from helpers.notation import MODEL_NAMES

_SHORT = ("BAS", "EOS", "ERB", "IG", "LYM", "MON", "NEU", "PLT")
ABBREVIATIONS = {CLASS_NAMES[label]: _SHORT[label] for label in (1, 0, 6, 3, 5, 4, 2, 7)}
"""Class name -> abbreviation, classes that look alike side by side."""


@in_two_layouts
def draw_recall(scores: dict[str, dict[str, Any]], best: str) -> Drawing:
    """Draw the recall of every class by every model with its 95 % interval, classes as the model ``best`` finds them.

    ``scores`` are those of `helpers.evaluation.score` by model, for the same images.
    """
    recalls = pd.DataFrame({name: each["recall"] for name, each in scores.items()})
    recalls = recalls.sort_values(best, ascending=False, kind="stable")
    support = pd.Series(scores[best]["support"])[recalls.index]
    figure, axes = plt.subplots(figsize=(layout(8, 3.7), 0.11 * recalls.size + layout(1.2, 2.2)))
    floor = frame_shares(axes, "recall", recalls.stack())
    for place, (name, shares) in zip(np.linspace(-0.36, 0.36, len(scores)), recalls.items(), strict=True):
        rows = np.arange(len(shares)) + place
        intervals = list(map(evaluation.accuracy_interval, shares * support, support))
        distances = np.abs(np.transpose(intervals) - shares.to_numpy())
        axes.errorbar(shares, rows, xerr=distances, ls="", capsize=0, ms=4.5, lw=1, **model_look(name))
        for row in rows[shares < floor]:  # an empty line would have a place at the corner, far below the axes
            axes.plot(floor, row, "<", color=MODEL_COLOURS[name], ms=4.5, clip_on=False)
    axes.hlines(np.arange(1, len(recalls)) - 0.5, 0, 1, color=GRID, linewidth=0.7)
    name_rows(axes, [f"{name}, n\xa0=\xa0{count:,}" for name, count in support.items()])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=layout(4, 2))
    return described(figure, "recall", scores[best]["n"], recalls=recalls, best=best)


@in_two_layouts
def draw_confusion(labels: np.ndarray, probabilities: np.ndarray, model: str) -> Drawing:
    """Draw the confusion matrix of a model for (N,) labels and (N, 8) probabilities: shares of rows, and counts."""
    names = list(ABBREVIATIONS)
    order = [CLASS_NAMES.index(name) for name in names]
    rows = [fill(f"{name} ({short})", layout(40, 14)) for name, short in ABBREVIATIONS.items()]
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), labels=order)
    counts, is_right = pd.DataFrame(matrix, rows, ABBREVIATIONS.values()), np.eye(len(names), dtype=bool)
    shares = counts.div(counts.sum(axis=1), axis=0)
    # colour goes with the cube root of the share: small ones stay visible
    values = shares.pow(1 / 3).where(counts > 0).mask(is_right & shares.notna(), -1)
    figure, axes = plt.subplots(figsize=layout((8, 5.4), (3.7, 4.6)))
    fill_matrix(axes, values, (100 * shares).round(1).map("{:.3g}\n".format) + counts.map("{:,}".format), "YlOrRd")
    axes.xaxis.set_label_position("top")
    axes.set(xlabel="predicted class", ylabel="true class")
    errors = np.where(is_right, 0, matrix)
    actual, predicted = (names[place] for place in np.unravel_index(errors.argmax(), errors.shape))
    found = {"actual": actual, "predicted": predicted, "errors": int(errors.max())}
    return described(figure, "confusion", len(labels), model=model, correct=np.trace(matrix) / len(labels), **found)


@in_two_layouts
def draw_review(
    labels: np.ndarray, probabilities: dict[str, np.ndarray], best: str, rule: dict[str, float]
) -> Drawing | None:
    """Draw the share of errors found against the share of images reviewed, least confident first, by model.

    ``rule``, a row of `helpers.evaluation.review_rules` for the model ``best``, is marked on its curve. None where that
    model makes no error, here or on validation images. Other models without errors have no curve.
    """
    if not rule["errors"] or rule["threshold"] == 0:
        return None
    figure, axes = plt.subplots(figsize=layout((8, 4.2), (3.7, 5)))
    found_at = {name: evaluation.review_until(labels, values) for name, values in probabilities.items()}
    ordered = sorted(filter(lambda name: found_at[name].size, found_at), key=lambda name: found_at[name].mean())
    for name in ordered:
        width, look = 2.8 if name == best else 1.3, model_look(name) | {"marker": ""}
        axes.ecdf(found_at[name], lw=width, zorder=width, **look)
    axes.axline((0, 0), slope=1, color=MUTED, linestyle=":", linewidth=1.2, label="random order")
    figure.legend(loc=layout("outside right upper", "outside lower center"), ncols=layout(1, 2))
    found = rule["errors_seen"] / rule["errors"]
    axes.plot(rule["reviewed"], found, "o", color=MODEL_COLOURS[best], markersize=9)
    axes.set(xlim=(0, np.clip(1.3 * rule["reviewed"], 0.5, 1)), ylim=(0, 1.02))
    axes.xaxis.set(label_text="share of images reviewed,\nleast confident first", major_formatter=PERCENT)
    axes.yaxis.set(label_text="share of errors found", major_formatter=PERCENT)
    return described(figure, "review", len(labels), rule=rule, found=found, best=best, quickest=ordered[0])


@in_two_layouts
def draw_corruptions(table: pd.DataFrame) -> Drawing:
    """Draw accuracy by model and corruption at the highest severity, the most robust model and the mildest first.

    ``table`` is that of `helpers.evaluation.corrupt_and_score`.
    """
    severe = table[table["severity"].isin((0, table["severity"].max()))]
    accuracy = severe.pivot_table("accuracy", "model", "corruption", sort=False)
    unchanged, corrupted = accuracy["none"], accuracy.drop(columns="none")
    means = corrupted.mean(axis=1).sort_values(ascending=False, kind="stable")
    by_corruption = corrupted.mean().sort_values(ascending=False, kind="stable").round(3)
    values = accuracy.assign(unchanged=unchanged, mean=means)
    values = values.loc[means.index, ["unchanged", "mean", *by_corruption.index]]
    values = values.rename(index=lambda name: fill(MODEL_NAMES[name], layout(10, 14))).T
    figure, axes = plt.subplots(figsize=(layout(7.5, 3.7), 0.36 * len(values) + layout(1.4, 2)))
    fill_matrix(axes, values, (100 * values).map("{:.0f}".format), "YlGnBu")
    axes.tick_params(axis="x", rotation=layout(0, 90))
    n = int(table["n"].iloc[0])
    low, high = evaluation.accuracy_interval(n / 2, n)
    axes.set(xlabel=f"accuracy in %, ± {50 * (high - low):.0f} points or less (95 %)", ylabel="")
    falls = (unchanged.round(3) - means.round(3)).round(3)
    found = {"falls": falls, "unchanged": unchanged, "means": means, "by_corruption": by_corruption}
    return described(figure, "corruptions", n, **found)


@in_two_layouts
def draw_shift_curves(table: pd.DataFrame) -> Drawing:
    """Draw a panel per shift of colours, accuracy over its amount, from the table of `shift_and_score`."""
    shape, size = layout(((2, 2), (8, 6.6)), ((4, 1), (3.7, 9.6)))
    figure, panels = plt.subplots(*shape, figsize=size, sharey=True, squeeze=False)
    for axes, (shift, neutral) in zip(panels.flat, evaluation.NEUTRAL_AMOUNTS.items(), strict=True):
        here = table[table["shift"] == shift].sort_values("amount", kind="stable")
        for name, curve in here.pivot_table("accuracy", "amount", "model", sort=False).items():
            axes.plot(curve, markersize=4.5, linewidth=1.5, clip_on=False, **model_look(name))
        axes.axvline(neutral, color=INK, linewidth=1, label="unchanged")
        axes.axhline(1 / len(CLASS_NAMES), color=MUTED, linestyle=":", linewidth=1.2, label="guessing")
        axes.set(title=shift, xlabel="degrees" if shift == "hue" else "factor", ylim=(0, 1))
        axes.yaxis.set(label_text="accuracy", major_formatter=PERCENT)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=layout(4, 2))
    falls, means = evaluation.worst_small_shift(table), table.groupby("shift")["accuracy"].mean().round(3)
    return described(figure, "shifts", int(table["n"].iloc[0]), falls=falls, means=means)
