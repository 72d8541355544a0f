"""Images of cells, drawn: examples, errors, and the evidence in them.

``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers, ``probabilities`` (N, 8).
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from helpers import evaluation
from helpers.data import CLASS_NAMES
from helpers.figures.publish import Drawing
from helpers.figures.style import DIVERGING_MAP, PAPER
from helpers.notation import counted, model_name, out_of, percent, sentence

NO_AXES = {"xticks": [], "yticks": [], "frame_on": False}
"""What leaves nothing of a panel but its image."""


def draw_examples(images: np.ndarray, labels: np.ndarray) -> Figure:
    """Return up to four images of each class side by side."""
    figure, axes = plt.subplots(4, len(CLASS_NAMES), figsize=(9, 5.3), subplot_kw=NO_AXES)
    for label, name in enumerate(CLASS_NAMES):
        axes[0, label].set_title(name.replace(" ", "\n"), fontsize=8.5, loc="center")
        for axis, image in zip(axes[:, label], images[labels == label], strict=False):
            axis.imshow(image)
    return figure


def draw_errors(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    positions: np.ndarray,
    model: str,
    shared: Sequence[int] | np.ndarray = (),
) -> Drawing | None:
    """Return a model's errors at ``positions``, each with its label and its answer; None without an error.

    ``shared`` are positions of errors that all models make, which carry a badge.
    """
    if not len(positions):
        return None
    rows = -(-len(positions) // 4)
    figure, panels = plt.subplots(rows, 4, figsize=(9, 2 * rows), squeeze=False, subplot_kw=NO_AXES)
    for axes, position in zip(panels.flat, positions, strict=False):
        predicted, confidence = probabilities[position].argmax(), probabilities[position].max()
        axes.imshow(images[position])
        answer = f"predicted: {CLASS_NAMES[predicted]}, {percent(confidence, 0)}"
        axes.set_xlabel(f"label: {CLASS_NAMES[labels[position]]}\n{answer}", fontsize=8)
        if position in shared:
            box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
            axes.text(1, 45.5, "all models wrong", fontsize=7.5, bbox=box)
    is_wrong = probabilities.argmax(axis=1) != labels
    confident = int((probabilities[is_wrong].max(axis=1) > 0.9).sum())
    errors = out_of(confident, int(is_wrong.sum()), "error")
    finding = sentence(f"{model_name(model)} makes {errors} with more than 90 % confidence")
    alt = f"Gallery of {counted(len(positions), 'misclassified image')} with label and prediction."
    return Drawing(figure, finding, alt, len(labels))


def draw_explanations(
    images: np.ndarray, labels: np.ndarray, maps: np.ndarray, random_maps: np.ndarray
) -> Figure:
    """Return one column per image: the image, the network's map over it, and that of the network without training.

    Maps (N, 48, 48) are those of `helpers.evaluation.explain`, each drawn up to its own largest value.
    """
    size = (1.12 * len(images) + 1.1, 4.3)
    figure, axes = plt.subplots(3, len(images), figsize=size, squeeze=False, subplot_kw=NO_AXES)
    scale = plt.cm.ScalarMappable(Normalize(-1, 1), plt.get_cmap(DIVERGING_MAP).reversed())
    for column, image, label, *both in zip(axes.T, images, labels, maps, random_maps, strict=True):
        column[0].imshow(image)
        column[0].set_title(CLASS_NAMES[label].replace(" ", "\n"), fontsize=8.5, loc="center")
        # a pale grey copy: the map's colours mean the same on every pixel
        pale = image.mean(axis=2, keepdims=True) / 255 * 0.5 + 0.5
        for axis, map_ in zip(column[1:], both, strict=True):
            values = evaluation.normalised(map_)
            strength = np.abs(values)[..., np.newaxis] ** 0.5
            axis.imshow(pale * (1 - strength * (1 - scale.to_rgba(values)[..., :3])))
    rows = ("image", "network", "same network,\nrandom weights")
    for axis, words in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(words, fontsize=9, rotation=0, ha="right", va="center", labelpad=6)
    bar = figure.colorbar(scale, ax=axes[1:, :], ticks=[-1, 0, 1], fraction=0.02, pad=0.01, aspect=28)
    bar.set_ticklabels(["against", "0", "for"])
    bar.outline.set_visible(False)
    return figure
