"""The networks of the study; each takes uint8 images and returns eight class probabilities.

Scaling to [-1, 1] is the first layer of every network, so a saved ``.keras`` file scores raw images.
Where the choice is ours, batch normalisation keeps 0.9 of its running averages per step: Keras' default of 0.99
lags behind in short training runs.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from helpers.networks.backend import keras, tf

layers = keras.layers


def lenet(
    name: str,
    *,
    activation: str = "relu",
    kernel_size: int = 3,
    filters: tuple[int, int] = (32, 64),
    padding: str = "same",
    dense_units: int = 128,
    batch_norm: bool = False,
) -> keras.Sequential:
    """Return a LeNet-5 with the given choices; without any it is the original custom LeNet.

    ``activation`` is that of the convolutions and of C5; the 84-unit layer is tanh in every variant, as in
    the original report. Layers carry the names of LeCun et al. 1998 (doi:10.1109/5.726791), C1 S2 C3 S4 C5 F6.
    """
    network = keras.Sequential(name=name)
    network.add(keras.Input((48, 48, 3), dtype="uint8", name="image"))
    network.add(layers.Rescaling(1 / 127.5, offset=-1, name="scale"))
    for convolved, pooled, count in zip(("C1", "C3"), ("S2", "S4"), filters, strict=True):
        network.add(layers.Conv2D(count, kernel_size, padding=padding, activation=activation, name=convolved))
        if batch_norm:
            network.add(layers.BatchNormalization(momentum=0.9, name=f"{convolved}_norm"))
        network.add(layers.MaxPooling2D(2, name=pooled))
    network.add(layers.Flatten(name="flatten"))
    network.add(layers.Dense(dense_units, activation=activation, name="C5"))
    network.add(layers.Dense(84, activation="tanh", name="F6"))
    network.add(layers.Dense(8, activation="softmax", name="probabilities"))
    return network


def alexnet(name: str, *, momentum: float = 0.99) -> keras.Sequential:
    """Return the original report's AlexNet for 48x48 pixels (after Krizhevsky et al. 2012).

    ``momentum`` is the share of its running averages that batch normalisation keeps per step.
    """
    network = keras.Sequential(name=name)
    network.add(keras.Input((48, 48, 3), dtype="uint8", name="image"))
    network.add(layers.Rescaling(1 / 127.5, offset=-1, name="scale"))
    for number, filters in enumerate((96, 256, 384, 384, 256), start=1):
        network.add(layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}"))
        if number in (1, 2):
            network.add(layers.BatchNormalization(momentum=momentum, name=f"norm{number}"))
        if number in (1, 2, 5):
            network.add(layers.MaxPooling2D(2, name=f"pool{number}"))
    network.add(layers.Flatten(name="flatten"))
    for number in (6, 7):
        network.add(layers.Dense(1024, activation="relu", name=f"dense{number}"))
        network.add(layers.Dropout(0.5, name=f"dropout{number}"))
    network.add(layers.Dense(8, activation="softmax", name="probabilities"))
    return network


def cellnet(
    name: str, *, light: str = "standardised", norm: str = "batch", pooling_head: bool = True, residual: bool = False
) -> keras.Model:
    """Return our compact network: three stages of two 3x3 convolutions, the first on all 48x48 pixels.

    ``light`` says what is done against the light and the camera of a laboratory before the first convolution:
    "standardised" brings each channel of each image to mean 0 and variance 1 (Ulyanov et al. 2016, arXiv:1607.08022),
    "divided" brings the brightest block of 6x6 pixels to white, channel by channel, and "kept" is nothing. A ``norm``
    over the "batch" (Ioffe & Szegedy 2015, arXiv:1502.03167) or over eight "group"s of channels (Wu & He 2018,
    arXiv:1803.08494) follows every convolution. The head is a global average (Lin et al. 2013, arXiv:1312.4400) or,
    without ``pooling_head``, the custom LeNet's dense layers. ``residual`` adds what enters a stage's second
    convolution to its output (He et al. 2015, arXiv:1512.03385).
    """
    image = keras.Input((48, 48, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    if light == "standardised":
        x = layers.GroupNormalization(3, center=False, scale=False, name="standardise")(x)
    elif light == "divided":
        blocks = layers.AveragePooling2D(6, name="blocks")(x)
        brightest = layers.GlobalMaxPooling2D(keepdims=True, name="brightest")(blocks)
        x = 2 * (x + 1.01) / (brightest + 1.01) - 1
    for stage, filters in enumerate((32, 64, 128), start=1):
        for half in "ab":
            entering = x
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{stage}{half}")(x)
            if norm == "batch":
                x = layers.BatchNormalization(momentum=0.9, name=f"norm{stage}{half}")(x)
            else:
                x = layers.GroupNormalization(8, name=f"norm{stage}{half}")(x)
            if residual and half == "b":
                x = layers.Add(name=f"add{stage}")([x, entering])
            x = layers.ReLU(name=f"relu{stage}{half}")(x)
        if stage < 3 or not pooling_head:
            x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    if pooling_head:
        x = layers.GlobalAveragePooling2D(name="average")(x)
    else:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(128, activation="relu", name="C5")(x)
        x = layers.Dense(84, activation="tanh", name="F6")(x)
    x = layers.Dense(8, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name=name)


BUILDERS: dict[str, Callable[[str], keras.Model]] = {
    "lenet_classic": partial(
        lenet, activation="tanh", kernel_size=5, filters=(6, 16), padding="valid", dense_units=120
    ),
    "lenet_relu": partial(lenet, kernel_size=5, filters=(6, 16), padding="valid", dense_units=120),
    "lenet_filters": partial(lenet, padding="valid", dense_units=120),
    "lenet_padded": partial(lenet, dense_units=120),
    "lenet_custom": lenet,
    "lenet_normed": partial(lenet, batch_norm=True),
    "three_stages": partial(cellnet, light="kept", pooling_head=False),
    "pooled": partial(cellnet, light="kept"),
    "residual": partial(cellnet, light="kept", residual=True),
    "divided": partial(cellnet, light="divided"),
    "grouped": partial(cellnet, norm="group"),
    "cellnet": cellnet,
    "alexnet": alexnet,
    "alexnet_fixed": partial(alexnet, momentum=0.9),
}
"""Every network by name: the LeNets and the stages in the order of the steps in ``04_lenet_variants``."""


def build(name: str) -> keras.Model:
    """Return the untrained network of that name."""
    return BUILDERS[name](name)


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras' layer on TensorFlow's fused kernel: the same normalisation in half the time of a training.

    Keras 3 composes the layer from a dozen elementwise operations, each of which reads and writes the whole
    activation; that takes longer than the convolutions between them. Only the channels-last layout is known.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return normalised ``inputs`` (N, H, W, C), and update the running averages while training."""
        averages = (self.moving_mean, self.moving_variance)
        known = () if training else averages
        outputs, *found = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, *known, epsilon=self.epsilon, is_training=bool(training)
        )
        if training:
            for average, value in zip(averages, found, strict=True):
                average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


def with_fused_batch_norm(model: keras.Model, precision: str) -> keras.Model:
    """Return an untrained copy of ``model`` that computes in ``precision`` and normalises on the fused kernel.

    The probabilities stay in float32 because they must sum to one, and so does what comes before the first convolution.
    """
    exact = {"scale", "standardise", "blocks", "brightest", "probabilities"}

    def copied(layer: Any) -> Any:
        if not isinstance(layer, keras.Layer):
            return layer  # an operation, which has no precision of its own
        is_norm = isinstance(layer, layers.BatchNormalization)
        kind = FusedBatchNormalization if is_norm else type(layer)
        dtype = "float32" if layer.name in exact else precision
        return kind.from_config(layer.get_config() | {"dtype": dtype})

    return keras.models.clone_model(model, clone_function=copied)
