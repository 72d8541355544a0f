"""Images of cells, drawn: examples, errors, the evidence in them, and what corruption makes of them.

``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers, ``probabilities`` (N, 8).
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.publish import Drawing
from helpers.figures.style import CLASS_COLOURS, DIVERGING_MAP, MUTED
from helpers.notation import MODEL_NAMES, counted, listed, model_name, percent, sentence

NO_AXES = {"xticks": [], "yticks": [], "frame_on": False}
"""What leaves nothing of a panel but its image."""


def draw_examples(images: np.ndarray, labels: np.ndarray) -> Drawing:
    """Draw the first four images of each class, a column per class."""
    figure, axes = plt.subplots(4, len(CLASS_NAMES), figsize=(9, 5), subplot_kw=NO_AXES)
    for label, name in enumerate(CLASS_NAMES):
        axes[0, label].set_title(f"{name}\nclass {label}".replace(" g", "\ng"), fontsize=8.5, loc="center")
        for axis, image in zip(axes[:, label], images[labels == label], strict=False):
            axis.imshow(image)
    count = len(np.unique(labels))
    finding = "The eight cell types" if count == len(CLASS_NAMES) else counted(count, "cell type")
    return Drawing(figure, finding, "Grid of images with a column of up to four cells per class.")


def draw_errors(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, positions: np.ndarray
) -> Figure:
    """Return the images at ``positions``, each with its true class, its predicted one and all eight probabilities."""
    rows = max(1, -(-len(positions) // 3))
    figure, axes = plt.subplots(
        rows, 6, figsize=(9, 1.72 * rows + 1.0), width_ratios=[1, 1.15] * 3, squeeze=False, subplot_kw=NO_AXES
    )
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


def draw_explanations(images: np.ndarray, labels: np.ndarray, maps: dict[str, np.ndarray]) -> Drawing:
    """Draw one column per image: the image, and the map of each network over a pale copy of it.

    Maps (N, 48, 48) by network are those of `helpers.evaluation.explain`, drawn up to the network's largest value in
    orange (for the class) and purple (against it). The finding is about the last network.
    """
    size = (1.12 * len(images) + 1.1, 1.1 * len(maps) + 1.6)
    figure, axes = plt.subplots(len(maps) + 1, len(images), figsize=size, squeeze=False, subplot_kw=NO_AXES)
    colours = plt.get_cmap(DIVERGING_MAP).reversed()
    pale = images.mean(axis=3, keepdims=True) / 255 * 0.5 + 0.5
    rows, shares = {"image": images}, {}
    for name, evidence in maps.items():
        values = evidence / (np.abs(evidence).max() or 1)
        strength = np.abs(values)[..., np.newaxis] ** 0.5
        rows[MODEL_NAMES[name]] = pale * (1 - strength * (1 - colours((values + 1) / 2)[..., :3]))
        positive = evidence.clip(0)
        shares[model_name(name)] = percent(positive[:, 12:36, 12:36].sum() / (positive.sum() or 1), 0)
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name.replace(" ", "\n"), fontsize=9, rotation=0, ha="right", va="center")
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture)
    for axis, label in zip(axes[0], labels, strict=True):
        axis.set_title(CLASS_NAMES[label].replace(" ", "\n"), fontsize=8.5, loc="center")
    *_, (name, share) = shares.items()
    finding = sentence(f"{name} finds {share} of its evidence in the central quarter of the images")
    alt = f"Cell images, a column per class, above the maps of {listed(shares)}. The central quarter of the images "
    return Drawing(figure, finding, f"{alt}holds {listed(shares.values())} of the evidence.", len(images))


def draw_corrupted_examples(image: np.ndarray) -> Figure:
    """Return one (48, 48, 3) uint8 image under every corruption (columns) at severity 1, 3 and 5 (rows)."""
    names = ("unchanged", *evaluation.CORRUPTIONS)
    figure, axes = plt.subplots(3, len(names), figsize=(9, 3.3), subplot_kw=NO_AXES)
    for row, severity in zip(axes, (1, 3, 5), strict=True):
        row[0].set_ylabel(f"severity {severity}", fontsize=8)
        for axis, name in zip(row, names, strict=True):
            axis.imshow(image if name == "unchanged" else evaluation.corrupt(image[None], name, severity)[0])
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name.replace(" ", "\n"), fontsize=7.5, loc="center", weight="normal", pad=3)
    return figure
