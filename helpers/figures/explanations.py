"""Where a network finds its evidence, drawn."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from helpers.data import CLASS_NAMES
from helpers.evaluation import normalised
from helpers.figures.style import DIVERGING_MAP


def draw_explanations(
    images: np.ndarray, labels: np.ndarray, maps: np.ndarray, random_maps: np.ndarray
) -> Figure:
    """Return one column per image: the image, the network's map over it, and that of the network without training.

    Maps (N, 48, 48) are those of `helpers.evaluation.evidence_maps`, each drawn up to its own largest value.
    """
    rows = ("image", "network", "same network,\nrandom weights")
    figure, axes = plt.subplots(3, len(images), figsize=(1.12 * len(images) + 1.1, 4.3), squeeze=False)
    scale = plt.cm.ScalarMappable(Normalize(-1, 1), plt.get_cmap(DIVERGING_MAP).reversed())
    for column, (image, label) in enumerate(zip(images, labels, strict=True)):
        # a pale grey copy: the map's colours mean the same on every pixel
        pale = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2) / 255 * 0.5 + 0.5
        axes[0, column].imshow(image)
        for row, map_ in ((1, maps[column]), (2, random_maps[column])):
            values = normalised(map_)
            colours = scale.to_rgba(values)[..., :3]
            strength = np.abs(values)[..., np.newaxis] ** 0.5
            axes[row, column].imshow(pale * (1 - strength * (1 - colours)))
        axes[0, column].set_title(CLASS_NAMES[label].replace(" ", "\n"), fontsize=8.5, loc="center")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
    for axis, words in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(words, fontsize=9, rotation=0, ha="right", va="center", labelpad=6)
    bar = figure.colorbar(scale, ax=axes[1:, :], ticks=[-1, 0, 1], fraction=0.02, pad=0.01, aspect=28)
    bar.set_ticklabels(["against", "0", "for"])
    bar.outline.set_visible(False)
    return figure
