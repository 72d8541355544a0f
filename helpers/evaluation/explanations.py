"""Where in an image a network finds the evidence for its answer, and two checks that it is the network's evidence."""

from typing import Any

import numpy as np
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from helpers.data import SIDE
from helpers.networks import keras, predict_probabilities, tf


def evidence_maps(network: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return (N, 48, 48) float32: how much each place speaks for a class, above 0, or against it, below.

    HiResCAM (Draelos & Carin 2020, arXiv:2011.08891) on the last feature map: activation times gradient of the
    class's logit, place by place, summed over channels, enlarged. Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)
    averages the gradients over the places first, and so loses what a dense head knows of places. On a global average
    both are the map of Zhou et al. 2016 (arXiv:1512.04150), which is exact: it sums to the logit less its bias.
    ``network`` is a Keras network that ends in a softmax layer; ``classes`` (N,) are those that the maps speak of.
    """
    # the layers of a network read from a file may have been called more than once, those of a copy are not
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    last = [layer for layer in copy.layers if len(layer.output.shape) == 4][-1]
    body = keras.Model(copy.inputs[0], last.output)
    head = keras.Model(last.output, copy.layers[-1].input)
    # a few at a time: activations of all at once would take much memory
    chunks = np.array_split(images, -(-len(images) // 16))
    features = tf.concat([body(chunk, training=False) for chunk in chunks], axis=0)
    with tf.GradientTape() as tape:
        tape.watch(features)
        # the last layer without its softmax: gradients are those of logits
        logits = head(features, training=False) @ copy.layers[-1].kernel + copy.layers[-1].bias
        chosen = tf.reduce_sum(logits * tf.one_hot(classes, logits.shape[1]))
    maps = tf.reduce_sum(features * tape.gradient(chosen, features), axis=-1, keepdims=True)
    return np.asarray(tf.image.resize(maps, (SIDE, SIDE), method="bilinear")[..., 0])


def explain(network: Any, images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the `evidence_maps` of a network, and those of the same network with weights as before a training."""
    keras.utils.set_random_seed(10_000)  # no training of ours starts from this seed
    untrained = keras.models.clone_model(network)
    return evidence_maps(network, images, classes), evidence_maps(untrained, images, classes)


def check_explanations(network: Any, images: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Return two checks of a network's maps for the ``classes`` it predicts, by the names of their columns.

    How alike they are to those of random weights, of the same image and of another one; and the mean confidence in the
    class predicted, as it is and with a tenth of the pixels covered: where the map points, where random weights'
    map does, and in random blocks of 4x4.
    """
    maps, random_maps = explain(network, images, classes)
    places = np.random.default_rng(1).random((len(images), 12, 12)).repeat(4, axis=1).repeat(4, axis=2)
    rank, structure = map_similarity(maps, random_maps)
    of_another, _ = map_similarity(maps, np.roll(random_maps, 1, axis=0))
    views = [images, *(cover_top_evidence(images, each) for each in (maps, random_maps, places))]
    every = np.arange(len(images))
    confidences = [float(predict_probabilities(network, view)[every, classes].mean()) for view in views]
    names = ("rank correlation", "structural similarity", "with another image's", "confidence",
             "most evidence covered", "that of random weights", "random places")  # fmt: skip
    return dict(zip(names, (rank, structure, of_another, *confidences), strict=True))


def map_similarity(maps: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Return the rank correlation (Spearman) and structural similarity of two sets of maps, means over the images.

    Maps that stay as they are when the weights are random show the image and not the network (Adebayo et al. 2018,
    arXiv:1810.03292). 1: the same. The rank correlation is without its sign, which a random head would turn, and so
    above 0 for unrelated maps too; a constant map correlates with none.
    """
    pairs = list(zip(maps, others, strict=True))
    ranks = [abs(spearmanr(a, b, axis=None).statistic) if np.ptp(a) and np.ptp(b) else 0.0 for a, b in pairs]
    structures = [
        structural_similarity(normalised(a), normalised(b), data_range=2.0)  # type: ignore[no-untyped-call]
        for a, b in pairs
    ]
    return float(np.mean(ranks)), float(np.mean(structures))


def normalised(evidence: np.ndarray) -> np.ndarray:
    """Return a map divided by its largest absolute value: it then lies in [-1, 1]."""
    return np.asarray(evidence / max(np.abs(evidence).max(), np.finfo(np.float32).tiny))


def cover_top_evidence(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Return (N, 48, 48, 3) uint8 images whose tenth of the pixels with most evidence has the image's median colour.

    A faithful map makes the network lose more confidence than a random one does (Petsiuk et al. 2018,
    arXiv:1806.07421).
    """
    pale = np.median(images, axis=(1, 2), keepdims=True).astype(np.uint8)
    most = maps >= np.quantile(maps, 0.9, axis=(1, 2), keepdims=True)
    return np.where(most[..., np.newaxis], pale, images)
