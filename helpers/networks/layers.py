"""Batch normalisation: a faster layer for training, and running averages computed anew."""

from typing import Any

import numpy as np

from helpers.networks.backend import keras, tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras' layer on TensorFlow's fused kernel: the same normalisation in half the time of a training.

    Keras 3 composes the layer from a dozen elementwise operations, each of which reads and writes the whole
    activation; that takes longer than the convolutions between them. Only the channels-last layout is known.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return normalised ``inputs`` (N, H, W, C); in training also move the running averages."""
        averages = (self.moving_mean, self.moving_variance)
        known = [tf.zeros(0)] * 2 if training else [average.value for average in averages]
        outputs, *found = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=known[0],
            variance=known[1],
            epsilon=self.epsilon,
            is_training=bool(training),
        )
        if training:
            for average, value in zip(averages, found, strict=False):
                average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


def made_fast(model: keras.Model, precision: str) -> keras.Model:
    """Return an untrained copy of ``model`` that computes in ``precision`` and normalises on the fused kernel.

    The last layer stays in float32: probabilities must sum to one.
    """

    def copied(layer: keras.Layer) -> keras.Layer:
        kind = type(layer)
        kind = FusedBatchNormalization if kind is keras.layers.BatchNormalization else kind
        dtype = "float32" if layer is model.layers[-1] else precision
        return kind.from_config(layer.get_config() | {"dtype": dtype})

    return keras.models.clone_model(model, clone_function=copied)


def renew_batch_statistics(model: keras.Model, images: np.ndarray, batch_size: int = 64) -> None:
    """Replace the running averages of every batch normalisation by plain averages over batches of ``images``.

    The weights stay as they are. What changes tells how far the averages had lagged behind the training
    (Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.1).
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for count, start in enumerate(range(0, len(images), batch_size)):
        for norm in norms:
            norm.momentum = count / (count + 1)  # makes the running average the mean of all batches so far
        model(images[start : start + batch_size], training=True)
