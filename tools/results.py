"""What the published run found, for readers who run nothing: ``docs/results.md``, its figure and the README's table."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.core.pylabtools import print_figure
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers import figures, notation
from helpers.claims import REPORTED
from helpers.figures.pieces import frame_shares, name_rows, write_columns
from helpers.figures.style import MODEL_COLOURS
from helpers.files import write_text

DARK = {figures.INK: "#e4e7ec", figures.MUTED: "#a2abb9", figures.GRID: "#333a45", figures.PAPER: "#0d1117"}
"""Colour on light paper -> colour on dark paper: the report's, and GitHub's own paper."""

HEADLINE = re.compile(r"(?<=<!-- headline: python -m tools\.publish -->\n).*?(?=<!-- end of headline -->)", re.DOTALL)
"""What the README quotes of the published run, between its two marks."""


def draw_accuracies(axes: Axes, scores: pd.DataFrame) -> None:
    """Draw ``accuracy`` and ``accuracy_ci95``, the columns of ``scores``, in a row for each model of its index."""
    name_rows(axes, [notation.MODEL_NAMES[name] for name in scores.index])
    for row, name in enumerate(scores.index):
        axes.plot(scores.accuracy_ci95[name], [row, row], color=MODEL_COLOURS[name], linewidth=2.2)
        axes.plot(scores.accuracy[name], row, "o", color=MODEL_COLOURS[name], markersize=8, clip_on=False)


def draw_headline(models: dict[str, Any]) -> Figure:
    """Draw the accuracy of models, with 95 % intervals, beside what was reported, and in the development laboratory.

    ``models`` are those of results.json. Those of the original report come first, in its order.
    """
    scores = pd.DataFrame(models).T.loc[[*REPORTED, *(name for name in models if name not in REPORTED)]]
    home = scores[["test_accuracy", "test_accuracy_ci95"]].set_axis(["accuracy", "accuracy_ci95"], axis="columns")
    elsewhere = pd.DataFrame(scores.external.to_dict()).T
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.9), width_ratios=(1, 0.8))
    left.plot(REPORTED.values(), range(len(REPORTED)), "D", color=figures.INK, mfc=figures.PAPER, ms=8.5, mew=1.6)
    draw_accuracies(left, home)
    frame_shares(left, "accuracy (axis starts above 0 %)", home.accuracy, [*REPORTED.values(), *home.accuracy])
    columns = pd.DataFrame({"◇ reported": REPORTED, "● measured": home.accuracy}, scores.index)
    write_columns(left, columns.map(notation.percent, na_action="ignore").fillna(""))
    left.set_title(f"The same laboratory, n = {scores.n.iloc[0]:,}", pad=26)
    draw_accuracies(right, elsewhere)
    frame_shares(right, "accuracy", [0])
    right.set_yticklabels([])
    chance = elsewhere.iloc[0]
    right.axvline(chance.commonest_share, color=figures.MUTED, linestyle=":")
    note = f"always answering\n“{chance.commonest_class}”"
    right.annotate(note, (chance.commonest_share, 0), (5, 0), textcoords="offset points", va="center", fontsize=9)
    write_columns(right, elsewhere[["accuracy"]].map(notation.percent).set_axis(["● measured"], axis="columns"))
    right.set_title(f"The development laboratory, n = {chance.n:,}", pad=26)
    return figure


def write_results(results: dict[str, Any], root: Path) -> None:
    """Write ``results`` into ``root/docs``, as a page and a figure for either theme, and quote them in the README."""
    figures.use_style()
    figure = draw_headline(results["models"])
    light = print_figure(figure, "svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    write_text(root / "docs/headline-light.svg", light)
    write_text(root / "docs/headline-dark.svg", re.sub("|".join(DARK), lambda colour: DARK[colour[0]], light))
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    facts = results | {"reported": REPORTED, "notation": notation}
    page = environment.get_template("results.md.j2").render(facts, docs="")
    write_text(root / "docs/results.md", page + "\n")
    readme = root / "README.md"
    headline = environment.get_template("headline.md.j2").render(facts, docs="docs/") + "\n"
    write_text(readme, HEADLINE.sub(lambda _: headline, readme.read_text(encoding="utf-8")))
