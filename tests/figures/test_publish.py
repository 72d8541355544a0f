"""Notebooks publish figures with what they show in words, tables in one notation, and what a chapter found."""

import base64
import io
import re
from unittest.mock import Mock
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from helpers import figures
from helpers.data.synthetic import draw_cells
from helpers.figures import publish, tables


@pytest.fixture
def published(monkeypatch):
    bundles = []
    monkeypatch.setattr(publish, "publish_display_data", lambda data, metadata: bundles.append((data, metadata)))
    monkeypatch.setattr(
        publish, "display", lambda text, metadata: bundles.append(({"text/markdown": text.data}, metadata))
    )
    figures.use_style()
    return bundles


def drawing(figure=None, finding="b is twice a", alt="Bars of a and b.", n=None):
    if figure is None:
        figure, axes = plt.subplots()
        axes.bar(["a", "b"], [1, 2], hatch=["", "//"])
        axes.set(ylabel="Cells")
    return figures.Drawing(figure, finding, alt, n)


def test_the_same_figure_gives_the_same_bytes(published):
    for _ in range(2):
        figures.show_figure(drawing(), "bars", "Two bars.")
    assert published[:3] == published[3:]


def test_show_figure_publishes_finding_picture_caption_and_alternative_text(published):
    figures.show_figure(drawing(n=1201), "bars", "Two *bars*.")
    (title, of_title), (data, metadata), (caption, of_caption) = published
    assert title["text/markdown"] == "**b is twice a**"
    assert caption["text/markdown"] == "**Figure.** Two *bars*. n = 1,201."
    assert of_title == of_caption == {"words_of": "figure-bars"}
    assert data["text/plain"] == metadata["image/png"]["alt"] == "Bars of a and b."
    shown = {key: metadata["figure"][key] for key in ("slug", "title", "caption", "alt")}
    assert shown == {
        "slug": "bars",
        "title": "b is twice a",
        "caption": "Two *bars*. n = 1,201.",
        "alt": "Bars of a and b.",
    }
    assert ElementTree.fromstring(data["image/svg+xml"]).tag.endswith("svg")
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width == pytest.approx(2 * metadata["image/png"]["width"], abs=1)
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 253)  # legible in a dark JupyterLab


def test_show_figure_closes_the_figure(published):
    open_before = plt.get_fignums()
    figures.show_figure(drawing(), "bars", "Two bars.")
    assert plt.get_fignums() == open_before


def test_where_there_is_nothing_to_show_nothing_is_shown(published):
    figures.show_figure(None, "bars", "Two bars.")
    figures.show_table(pd.DataFrame({"a": []}), "empty", "Nothing.")
    assert published == []


@pytest.mark.parametrize("slug", ["Two Bars", ""])
def test_show_figure_refuses_bad_slugs(published, slug):
    with pytest.raises(ValueError, match="expected"):
        figures.show_figure(drawing(), slug, "Bars.")
    plt.close("all")


def test_rasterised_points_are_pixels_and_axes_stay_vector(published):
    figure, axes = plt.subplots()
    axes.scatter(np.arange(5000), np.arange(5000), rasterized=True)
    figures.show_figure(drawing(figure), "points", "Points.")
    svg = published[1][0]["image/svg+xml"]
    assert "<image" in svg
    assert svg.count("<use") < 200
    assert 'id="xtick_1"' in svg


def test_a_chapter_opens_with_the_finding_that_it_ends_with(monkeypatch):
    shown, place = [], Mock()
    monkeypatch.setattr(publish, "display", lambda text, **_: shown.append(text.data) or place)
    chapter = figures.open_chapter(draw_cells(8, seed=1))
    figures.conclude(chapter, "The statistics lag.", "So does the paper.")
    assert "Synthetic" in shown[0]
    assert place.update.call_args.args[0].data == "**The statistics lag.**"
    assert place.update.call_args.kwargs == {"metadata": {"finding": "The statistics lag."}}
    assert shown[-1] == "- The statistics lag.\n- So does the paper."


def test_tables_escape_cells_and_align_numbers(published):
    frame = pd.DataFrame({"<b>name": ["<script>x</script>"], "cells": [15092], "share": [0.12345], "none": [None]})
    figures.show_table(frame, "counts", "Counts.", n=3)
    data, metadata = published[0]
    markup = data["text/html"]
    assert metadata["table"] == {"slug": "counts", "caption": "Counts. n = 3.", "folded": False}
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    assert "&lt;b&gt;name" in markup
    assert '<td class="number">15,092</td>' in markup
    assert '<td class="number">0.12</td>' in markup
    assert '<td style="text-align: left">–</td>' in markup


def test_tables_show_a_named_index_as_row_headings_and_drop_a_counting_one():
    frame = pd.DataFrame({"share": [0.5, 1.0]}, index=pd.Index(["forest", "cellnet"], name="model"))
    markup = tables.table_html(frame)
    assert '<th scope="row" style="text-align: left">random forest</th>' in markup
    assert "<td" in tables.table_html(frame.reset_index())
    assert 'scope="row"' not in tables.table_html(frame.reset_index())


def cells(markup: str) -> list[str]:
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", markup)]


def test_whole_numbers_beside_a_missing_one_keep_no_decimals():
    assert cells(tables.table_html(pd.DataFrame({"trees": pd.array([1000, None], dtype="Int64")}))) == [
        "1,000",
        "–",
    ]


def test_shares_read_as_percentages_with_their_intervals_and_minus_is_a_minus():
    frame = pd.DataFrame(
        {
            "accuracy": [0.98765],
            "accuracy_low": [0.98],
            "accuracy_high": [0.991],
            "p": [0.0],
            "change": [-0.5],
            "small": [-0.001],
        }
    )
    markup = tables.table_html(frame)
    assert cells(markup) == ["98.8 (98.0–99.1)", "&lt; 0.0001", "−0.50", "0.00"]
    assert ">accuracy, %<" in markup


def test_a_table_whose_columns_have_a_name_writes_all_of_them_alike():
    frame = pd.DataFrame({"forest": [0.98765], "cellnet": [1.0]})
    assert cells(tables.table_html(frame.rename_axis(columns="precision"))) == ["98.8", "100.0"]
    assert cells(tables.table_html(frame)) == ["0.99", "1.00"]


def test_a_missing_value_has_no_interval():
    frame = pd.DataFrame({"accuracy": [np.nan], "accuracy_low": [np.nan], "accuracy_high": [np.nan]})
    assert cells(tables.table_html(frame)) == ["–"]
