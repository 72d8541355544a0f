"""What a network sees: the evidence in an image for its prediction, a check of it, and which images look alike."""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from helpers.data import SIDE
from helpers.networks import Run, keras, predict_probabilities, tf
from helpers.saved_models import load_network


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


def explain(
    runs: Mapping[str, Run], images: np.ndarray, positions: np.ndarray
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the `evidence_maps` of each network for the classes that it predicts, and a row of checks per network.

    ``images`` are all validation images, of which those at ``positions`` are explained. The columns: mean rank
    correlation of the maps with those of random weights, for the same image and (rank_elsewhere) for another.
    """
    chosen, maps, checks = images[positions], {}, {}
    for name, run in runs.items():
        network = load_network(run.model_path)
        classes = run.validation_probabilities()[positions].argmax(axis=1)
        maps[name] = evidence_maps(network, chosen, classes)
        keras.utils.set_random_seed(10_000)  # no training run of ours starts from this seed
        random_maps = evidence_maps(keras.models.clone_model(network), chosen, classes)
        others = {"rank_correlation": random_maps, "rank_elsewhere": np.roll(random_maps, 1, axis=0)}
        checks[name] = {column: rank_correlation(maps[name], each) for column, each in others.items()}
        gc.collect()  # networks refer to themselves: only this frees their weights before the next one
    return maps, pd.DataFrame.from_dict(checks, orient="index").rename_axis("network")


def rank_correlation(maps: np.ndarray, others: np.ndarray) -> float:
    """Return the rank correlation (Spearman) of two sets of maps, as the mean over the images.

    Maps that stay as they are when the weights are random show the image and not the network (Adebayo et al. 2018,
    arXiv:1810.03292). 1 means the same order. The correlation is without its sign, which a random head would turn, and
    so above 0 for unrelated maps too; a constant map correlates with none.
    """
    pairs = [(a, b) for a, b in zip(maps, others, strict=True) if np.ptp(a) and np.ptp(b)]
    return float(sum(abs(spearmanr(a, b, axis=None).statistic) for a, b in pairs) / len(maps))


def last_inputs(network: Any, images: np.ndarray) -> np.ndarray:
    """Return (N, D) float32, what goes into the last layer of a network for N uint8 images (48, 48, 3)."""
    copy = keras.models.clone_model(network)  # whose layers know what enters them, as those of a file may not
    copy.set_weights(network.get_weights())
    return predict_probabilities(keras.Model(copy.inputs, copy.layers[-1].input), images)


def embed(path: Path, images: np.ndarray) -> np.ndarray:
    """Return (N, 2) float32, the t-SNE of what goes into the last layer of the network saved at ``path``.

    ``images`` are (N, 48, 48, 3) uint8. Neighbourhoods mean something, distances do not (van der Maaten & Hinton 2008).
    """
    described = last_inputs(load_network(path), images)
    perplexity = min(30.0, (len(images) - 1) / 3)
    # one thread adds up in the same order everywhere, and two are slower where something else runs
    with threadpool_limits(1):
        return np.asarray(TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(described))
