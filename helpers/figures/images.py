"""Images of cells, drawn: examples, errors, and the evidence in them.

``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers, ``probabilities`` (N, 8).
"""

import matplotlib.pyplot as plt
import numpy as np

from helpers.data import CLASS_NAMES
from helpers.figures.publish import Drawing
from helpers.notation import MODEL_NAMES, listed, model_name, percent, sentence

NO_AXES = {"xticks": [], "yticks": [], "frame_on": False}
"""What leaves nothing of a panel but its image."""


def draw_explanations(
    images: np.ndarray, labels: np.ndarray, maps: dict[str, np.ndarray], shown: np.ndarray
) -> Drawing:
    """Draw a column for each of the positions ``shown``: the image, and each network's map over a pale copy of it.

    Maps (N, 48, 48) by network are those of `helpers.evaluation.explain`, drawn up to the largest value of those shown
    in orange (for the class) and purple (against it). The finding is about all N maps of the last network.
    """
    size = (1.12 * len(shown) + 1.1, 1.1 * len(maps) + 1.6)
    figure, axes = plt.subplots(len(maps) + 1, len(shown), figsize=size, squeeze=False, subplot_kw=NO_AXES)
    colours = plt.get_cmap("PuOr_r")
    pale = images[shown].mean(axis=3, keepdims=True) / 255 * 0.5 + 0.5
    rows, shares = {"image": images[shown]}, {}
    for name, evidence in maps.items():
        values = evidence[shown] / (np.abs(evidence[shown]).max() or 1)
        strength = np.abs(values)[..., np.newaxis] ** 0.5
        rows[MODEL_NAMES[name]] = pale * (1 - strength * (1 - colours((values + 1) / 2)[..., :3]))
        positive = evidence.clip(0)
        central, total = positive[:, 12:36, 12:36].sum(), positive.sum()
        shares[model_name(name)] = percent(central / total, 0) if total else "none"
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name.replace(" ", "\n"), fontsize=9, rotation=0, ha="right", va="center")
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture)
    for axis, label in zip(axes[0], labels[shown], strict=True):
        axis.set_title(CLASS_NAMES[label].replace(" ", "\n"), fontsize=8.5, loc="center")
    *_, (name, share) = shares.items()
    finding = f"{name} finds {share} of its evidence in the central quarter of the images"
    finding = finding if share != "none" else f"{name} finds no evidence for the classes that it predicts"
    alt = f"Cell images, a column per class, above the maps of {listed(shares)}. "
    alt += f"The central quarter of the images holds {listed(shares.values())} of the evidence."
    return Drawing(figure, sentence(finding), alt, len(images))
