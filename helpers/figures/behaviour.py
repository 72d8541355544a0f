"""How models behave, drawn: review, and accuracy on corrupted images and under shifted colours."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.evaluation import fill_matrix
from helpers.figures.publish import Drawing, in_two_layouts
from helpers.figures.style import INK, MODEL_COLOURS, MUTED, PERCENT, layout, model_look
from helpers.notation import MODEL_NAMES, listed, model_name, percent, sentence, signed


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
    curves = {name: evaluation.review_curve(labels, values) for name, values in probabilities.items()}
    with_errors = [name for name, curve in curves.items() if curve["errors_seen"].notna().all()]
    ordered = sorted(with_errors, key=lambda name: -curves[name]["errors_seen"].mean())
    for name in ordered:
        width, look = 2.8 if name == best else 1.3, model_look(name) | {"marker": ""}
        axes.plot("reviewed", "errors_seen", data=curves[name], lw=width, zorder=width, **look)
    axes.axline((0, 0), slope=1, color=MUTED, linestyle=":", linewidth=1.2, label="random order")
    figure.legend(loc=layout("outside right upper", "outside lower center"), ncols=layout(1, 2))
    found = rule["errors_seen"] / rule["errors"]
    axes.plot(rule["reviewed"], found, "o", color=MODEL_COLOURS[best], markersize=9)
    axes.set(xlim=(0, np.clip(1.3 * rule["reviewed"], 0.5, 1)), ylim=(0, 1.02))
    axes.set(xlabel="share of test images reviewed,\nleast confident first", ylabel="share of errors found")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    reviewed = f"a review of {percent(rule['reviewed'])} of the images"
    finding = f"{reviewed} finds {percent(found)} of the errors of {model_name(best)}"
    alt = f"Line chart with a curve for each model with errors, highest on average for {model_name(ordered[0])}."
    return Drawing(figure, sentence(finding), alt, len(labels))


@in_two_layouts
def draw_corruptions(table: pd.DataFrame) -> Drawing:
    """Draw accuracy by model and corruption at the highest severity, the most robust model and the mildest first.

    ``table`` is that of `helpers.evaluation.corrupt_and_score`.
    """
    severe = table[table["severity"].isin((0, table["severity"].max()))]
    accuracy = severe.pivot_table("accuracy", "model", "corruption", sort=False)
    unchanged, corrupted = accuracy.pop("none"), accuracy
    means = corrupted.mean(axis=1).sort_values(ascending=False, kind="stable")
    by_corruption = corrupted.mean().sort_values(ascending=False, kind="stable").map(percent)
    values = corrupted.loc[means.index, by_corruption.index]
    values.insert(0, "unchanged", unchanged)
    values = values.rename(index=lambda name: MODEL_NAMES[name].replace(" ", "\n")).T
    figure, axes = plt.subplots(figsize=(layout(7.5, 3.7), 0.36 * len(values) + 1.4))
    fill_matrix(axes, 0.8 * values, (100 * values).map("{:.0f}".format).to_numpy(), "YlGnBu")
    for place, name in layout((), enumerate(means.index)):  # names of models are too wide for narrow columns
        axes.plot(place + 0.5, -0.5, ls="", ms=7, clip_on=False, **model_look(name))
    if axes.lines:
        axes.set_xticks([])
        figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2)
    n = int(table["n"].iloc[0])
    low, high = evaluation.accuracy_interval(n / 2, n)
    axes.xaxis.set_label_position("bottom")
    axes.set(xlabel=f"accuracy in %, ± {50 * (high - low):.0f} points or less (95 %)", ylabel="")
    falls = (unchanged - means).round(3)
    model, most = falls.idxmax(), " most" if falls.nlargest(2).nunique() > 1 else ""
    fall = f"from {percent(unchanged[model])} to {percent(means[model])} on average"
    finding = f"Severe corruption lowers the accuracy of {model_name(model)}{most}, {fall}"
    if falls[model] <= 0 or percent(unchanged[model]) == percent(means[model]):
        finding = "Severe corruption lowers the average accuracy of no model"
    hardest = listed(by_corruption.index[by_corruption == by_corruption.iloc[-1]])
    alt = f"Heat map of models and corruptions. Accuracy is lowest on average under {hardest}."
    return Drawing(figure, finding, alt, n)


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
        axes.set(xlabel="degrees" if shift == "hue" else "factor", ylim=(0, 1))
        axes.set_title(shift, fontsize=10.5, pad=5)
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
        axes.yaxis.set_major_formatter(PERCENT)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=layout(4, 2), columnspacing=1.2
    )
    falls = evaluation.worst_small_shift(table)
    name = str((falls["before"] - falls["after"]).idxmax())
    shift, amount, *accuracies, n = falls.loc[name]
    change = f"{signed(amount, 0)}°" if shift == "hue" else f"{signed(100 * (amount - 1), 0)} %"
    before, after = map(percent, accuracies)
    finding = f"A change of {change} in {shift} lowers the accuracy of {model_name(name)}"
    finding += f" from {before} to {after}"
    if accuracies[0] <= accuracies[1] or before == after:
        finding = "The smallest changes of colour lower the accuracy of no model"
    by_shift = table.groupby("shift")["accuracy"].mean().sort_values().map(percent)
    hardest = listed(by_shift.index[by_shift == by_shift.iloc[0]])
    alt = f"Four line charts with one curve for each model. On average, accuracy is lowest for changes of {hardest}."
    return Drawing(figure, finding, alt, int(n))
