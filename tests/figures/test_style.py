"""Every figure looks alike and reads without colour vision."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
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
