"""Every figure looks alike, reads without colour vision, and publishes what notebook and report need."""

import base64
import io
import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from helpers.figures import style

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
COLOUR_VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(colour, vision):
    light = np.clip(COLOUR_VISION[vision] @ linear(colour), 0, 1)
    return rgb2lab(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


def contrast(one, other):
    luminances = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (luminances[1] + 0.05) / (luminances[0] + 0.05)


@pytest.fixture
def published(monkeypatch):
    bundles = []
    monkeypatch.setattr(
        style, "publish_display_data", lambda data, metadata: bundles.append((data, metadata))
    )
    style.use_style()
    return bundles


def bars():
    figure, axes = plt.subplots()
    axes.bar(["a", "b"], [1, 2], hatch=["", "//"])
    axes.set(ylabel="Cells")
    return figure


@pytest.mark.parametrize("vision", COLOUR_VISION)
@pytest.mark.parametrize("palette", [style.CLASS_COLOURS, style.MODEL_COLOURS])
def test_any_two_colours_of_a_palette_stay_apart(palette, vision):
    closest = min(
        float(deltaE_ciede2000(seen(one, vision), seen(other, vision)))
        for one, other in combinations(palette.values(), 2)
    )
    assert closest >= 11


@pytest.mark.parametrize("colour", [*style.CLASS_COLOURS.values(), *style.MODEL_COLOURS.values()])
def test_colours_show_on_white_and_on_near_black(colour):
    assert contrast(colour, "white") >= 2.6
    assert contrast(colour, "#14171c") >= 2.6


def test_the_style_file_has_the_colours_that_the_report_swaps_and_those_of_the_classes():
    style.use_style()
    expected = {
        style.INK: ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"),
        style.MUTED: ("axes.edgecolor", "xtick.color", "ytick.color"),
        style.GRID: ("grid.color",),
        style.PAPER: ("figure.facecolor", "patch.edgecolor"),
    }
    for colour, names in expected.items():
        assert {plt.rcParams[name] for name in names} == {colour}
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.CLASS_COLOURS.values())


def test_use_style_starts_from_the_defaults_of_matplotlib():
    plt.rcParams["font.size"] = 30
    style.use_style()
    assert plt.rcParams["font.size"] == plt.rcParamsDefault["font.size"]


def test_the_same_figure_gives_the_same_bytes(published):
    for _ in range(2):
        style.show_figure(bars(), "bars", title="Bars", caption="Two bars.", alt="b is twice a.")
    assert published[0] == published[2]


def test_show_figure_publishes_picture_caption_and_alternative_text(published):
    style.show_figure(bars(), "bars", title="Bars", caption="Two *bars*.", alt="b is twice a.")
    (data, metadata), (caption, caption_metadata) = published
    assert data["text/plain"] == metadata["image/png"]["alt"] == "b is twice a."
    assert metadata["figure"]["slug"] == "bars"
    assert metadata["figure"]["caption"] == "Two *bars*."
    assert caption["text/markdown"] == "**Figure.** Two *bars*."
    assert caption_metadata == {"caption_of": "figure-bars"}
    assert ElementTree.fromstring(data["image/svg+xml"]).tag.endswith("svg")
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width == pytest.approx(2 * metadata["figure"]["width"], abs=1)
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 253)  # legible in a dark JupyterLab


def test_the_picture_shows_the_title_and_the_report_gets_it_as_text_of_its_own(published):
    for title in ("b is twice a", "a is half of b"):
        style.show_figure(bars(), "bars", title=title, caption="Two bars.", alt="b is twice a.")
    (one, metadata), _, (other, _), _ = published
    assert metadata["figure"]["title"] == "b is twice a"
    assert one["image/png"] != other["image/png"]
    assert one["image/svg+xml"] == other["image/svg+xml"]
    assert "b is twice a" not in one["image/svg+xml"]  # matplotlib names what text it draws as outlines


def test_show_figure_closes_the_figure(published):
    open_before = plt.get_fignums()
    style.show_figure(bars(), "bars", title="Bars", caption="Two bars.", alt="b is twice a.")
    assert plt.get_fignums() == open_before


def test_the_same_picture_twice_in_a_figure_has_two_identifiers(published):
    figure, axes = plt.subplots(1, 2)
    for panel in axes:
        panel.imshow(np.zeros((4, 4, 3)))
    style.show_figure(figure, "pictures", title="Pictures", caption="Two pictures.", alt="They are the same.")
    identifiers = re.findall(r'<image[^>]* id="([^"]+)"', published[0][0]["image/svg+xml"])
    assert len(set(identifiers)) == 2


@pytest.mark.parametrize(
    ("slug", "title", "caption", "alt"),
    [
        ("Two Bars", "b", "Bars.", "b."),
        ("", "b", "Bars.", "b."),
        ("bars", "", "Bars.", "b."),
        ("bars", "b", " ", "b."),
        ("bars", "b", "Bars.", ""),
    ],
)
def test_show_figure_refuses_bad_slugs_and_missing_words(published, slug, title, caption, alt):
    with pytest.raises(ValueError, match="expected"):
        style.show_figure(bars(), slug, title=title, caption=caption, alt=alt)
    plt.close("all")


def test_rasterised_points_are_pixels_and_axes_stay_vector(published):
    figure, axes = plt.subplots()
    axes.scatter(np.arange(5000), np.arange(5000), rasterized=True)
    style.show_figure(figure, "points", title="Points", caption="Points.", alt="A line of points.")
    svg = published[0][0]["image/svg+xml"]
    assert "<image" in svg
    assert svg.count("<use") < 200
    assert 'id="xtick_1"' in svg


def test_a_figure_too_heavy_as_vectors_is_published_as_png_only(published, monkeypatch):
    monkeypatch.setattr(style, "LARGEST_SVG", 10)
    style.show_figure(bars(), "bars", title="Bars", caption="Two bars.", alt="b is twice a.")
    assert set(published[0][0]) == {"image/png", "text/plain"}


def test_tables_escape_cells_and_align_numbers(published):
    frame = pd.DataFrame(
        {"<b>name": ["<script>x</script>"], "cells": [15092], "share": [0.12345], "none": [None]}
    )
    style.show_table(frame, "counts", "Counts.")
    data, metadata = published[0]
    markup = data["text/html"]
    assert metadata["table"] == {"slug": "counts", "caption": "Counts."}
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    assert "&lt;b&gt;name" in markup
    assert '<td class="number">15,092</td>' in markup
    assert '<td class="number">0.123</td>' in markup
    assert '<td style="text-align: left">–</td>' in markup


def test_tables_show_a_named_index_as_row_headings_and_drop_a_counting_one():
    frame = pd.DataFrame({"accuracy": [0.5, 1.0]}, index=pd.Index(["forest", "cellnet"], name="model"))
    markup = style.table_html(frame, decimals=1)
    assert '<th scope="row" style="text-align: left">forest</th>' in markup
    assert "<td" in style.table_html(frame.reset_index())
    assert 'scope="row"' not in style.table_html(frame.reset_index())


def test_whole_numbers_beside_a_missing_one_keep_no_decimals():
    markup = style.table_html(pd.DataFrame({"trees": pd.array([1000, None], dtype="Int64")}))
    assert ">1,000<" in markup
    assert ">–<" in markup


def test_each_column_may_have_its_own_decimals_and_minus_is_a_minus():
    frame = pd.DataFrame({"accuracy": [0.98765], "seconds": [5.31], "gain": [-0.5]})
    markup = style.table_html(frame, decimals={"seconds": 0, "gain": 1})
    assert [">0.988<" in markup, ">5<" in markup, ">−0.5<" in markup] == [True] * 3
