"""Checks whether images can be stained blood cells: what cannot is refused, what is odd is said in a warning."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from helpers.data.constants import LUMINANCE, SIDE
from helpers.errors import refused

MOST_CHECKED = 1_000  # images of a part that are looked at, evenly spread over it

CENTRE = np.s_[:, SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4]


def describe(images: np.ndarray) -> dict[str, float]:
    """Return what images (N, 48, 48, 3) uint8 look like together, in grey levels of 0 to 255 unless said otherwise.

    ``brightness`` is their mean, ``contrast`` the standard deviation within an image, ``roughness`` the mean difference
    between neighbouring pixels as a share of the contrast, ``colour`` the mean range over the channels, ``values`` the
    number of different values, ``centre`` how much lighter the centre is than the rest, and ``red_in_dark`` how much
    redder (red less blue) the darkest fifth of an image is than the rest. ``dark`` and ``reversed`` are the shares of
    images with a brightness below 90, and with a ``red_in_dark`` above 40.
    """
    chosen = images[:: -(-len(images) // MOST_CHECKED)]
    grey = chosen.astype(np.float32) @ LUMINANCE
    contrast = float(grey.std(axis=(1, 2)).mean())
    red_less_blue = chosen[..., 0].astype(np.float32) - chosen[..., 2]
    is_dark = grey <= np.percentile(grey, 20, axis=(1, 2), keepdims=True)
    dark, rest = ((red_less_blue * side).sum((1, 2)) / np.maximum(side.sum((1, 2)), 1) for side in (is_dark, ~is_dark))
    red_in_dark = dark - rest
    return {
        "brightness": float(grey.mean()),
        "contrast": contrast,
        "roughness": float(np.abs(np.diff(grey, axis=2)).mean() / max(contrast, 1e-6)),
        "colour": float(np.ptp(chosen, axis=3).mean()),
        "values": len(np.unique(chosen)),
        "centre": float((grey[CENTRE].mean() - grey.mean()) * 4 / 3),
        "red_in_dark": float(red_in_dark.mean()),
        "dark": float((grey.mean(axis=(1, 2)) < 90).mean()),
        "reversed": float((red_in_dark > 40).mean()),
    }


def check_pixels(parts: Mapping[str, np.ndarray], path: Path) -> list[str]:
    """Return a warning for each oddity of the parts, images (N, 48, 48, 3) uint8 by name; InputError if impossible.

    The limits lie far outside of what we measured on 15,092 cells of CellaVision's DM96 (brightness 179, contrast 57,
    roughness 0.19, red_in_dark -69) and on 334 of another laboratory (177, 25, 0.24 and -43).
    """
    looks = {name: describe(images) for name, images in parts.items()}
    warnings = []
    for name, look in looks.items():
        what, mean = f"the {name} images" if name else "the images", f"mean {look['brightness']:.1f} of 255"
        values, contrast = f"{look['values']} different values", f"standard deviation {look['contrast']:.1f} of 255"
        slack = 0 if len(parts[name]) >= 10 else 20  # single cells vary
        impossible = {
            f"hold too few values ({look['values']}; perhaps divided by 255, then rounded)": look["values"] < 5,
            f"are nearly black ({mean}; perhaps scaled twice)": look["brightness"] < 40,
            f"are nearly white ({mean}; perhaps scaled twice)": look["brightness"] > 250,
            f"have nearly no contrast ({contrast})": look["contrast"] < 4,
            "are noise, neighbouring pixels differ like distant ones (perhaps reshaped)": look["roughness"] > 0.9,
        }
        if found := next((reason for reason, applies in impossible.items() if applies), None):
            raise refused(path, f"{what} {found}, expected stained cells on a light background")
        odd = {
            f"are dark, all or some ({mean}), perhaps scaled wrongly or in another colour space": look["dark"] >= 0.02,
            f"have little contrast ({contrast}), perhaps in another colour space": look["contrast"] < 12,
            "show no cell darker than its surroundings. Perhaps they are negatives, or their axes are mixed up": (
                look["centre"] > slack - 5
            ),
            f"hold only {values}": look["values"] < 32,
            "have hardly any colour": look["colour"] < 5,
            "look, all or some, as if red and blue were exchanged or in another colour space. We took the channels for "
            "red, green and blue. OpenCV reverses them": look["red_in_dark"] > 10 + slack or look["reversed"] >= 0.05,
        }
        warnings += [f"{what.capitalize()} {finding}." for finding, applies in odd.items() if applies]
    means = sorted((look["brightness"], name) for name, look in looks.items())
    (low, dark), (high, light) = means[0], means[-1]
    if high - low > 25:
        warnings.append(f"The {dark} images are much darker than the {light} images (means {low:.0f} and {high:.0f}).")
    return warnings
