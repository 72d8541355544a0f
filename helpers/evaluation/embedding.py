"""A map on which images lie close to each other where a network describes them by similar numbers."""

from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from helpers.networks import keras
from helpers.saved_models import load_network


def embed(path: Path, images: np.ndarray) -> np.ndarray:
    """Return (N, 2) float32, the t-SNE of what goes into the last layer of the network saved at ``path``.

    ``images`` are (N, 48, 48, 3) uint8. Neighbourhoods mean something, distances do not (van der Maaten & Hinton 2008).
    """
    network = load_network(path)
    body = keras.Model(network.inputs, network.layers[-1].input)
    described = body.predict(images, batch_size=64, verbose=0)
    perplexity = min(30.0, (len(images) - 1) / 3)
    # one thread adds up in the same order everywhere, and two are slower where something else runs
    with threadpool_limits(1):
        return np.asarray(TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(described))
