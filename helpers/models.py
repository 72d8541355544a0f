"""The networks of the study; each takes uint8 images and returns eight class probabilities.

Scaling to [-1, 1] is the first layer of every network, so a saved ``.keras`` file scores raw images.
"""

from __future__ import annotations

from collections.abc import Callable

from helpers.backend import keras
from helpers.cells import CLASS_NAMES, SIDE

layers = keras.layers

BATCH_NORM_MOMENTUM = 0.9
"""Share of the old running average kept per step; Keras' default of 0.99 lags behind in short trainings."""


def _network(name: str, *stack: keras.Layer) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image"),
            layers.Rescaling(1 / 127.5, offset=-1, name="scale"),
            *stack,
            # float32 whatever the precision of the layers before: probabilities must sum to one
            layers.Dense(len(CLASS_NAMES), activation="softmax", dtype="float32", name="probabilities"),
        ],
        name=name,
    )


def lenet(
    name: str,
    *,
    activation: str,
    kernel_size: int,
    filters: tuple[int, int],
    padding: str,
    dense_units: int,
) -> keras.Sequential:
    """Return a LeNet-5 with the given choices (LeCun et al. 1998, doi:10.1109/5.726791).

    ``activation`` is that of the convolutions and of F5; the 84-unit layer is tanh in every variant, as in
    the original report. Layers carry LeCun's names, C1 S2 C3 S4 C5 F6.
    """
    return _network(
        name,
        layers.Conv2D(filters[0], kernel_size, padding=padding, activation=activation, name="C1"),
        layers.MaxPooling2D(2, name="S2"),
        layers.Conv2D(filters[1], kernel_size, padding=padding, activation=activation, name="C3"),
        layers.MaxPooling2D(2, name="S4"),
        layers.Flatten(name="flatten"),
        layers.Dense(dense_units, activation=activation, name="C5"),
        layers.Dense(84, activation="tanh", name="F6"),
    )


def lenet_classic() -> keras.Sequential:
    """Return the report's classical LeNet: 5x5 tanh convolutions without padding."""
    return lenet(
        "lenet_classic", activation="tanh", kernel_size=5, filters=(6, 16), padding="valid", dense_units=120
    )


def lenet_relu() -> keras.Sequential:
    """Return the classical LeNet with ReLU: the report's first change."""
    return lenet(
        "lenet_relu", activation="relu", kernel_size=5, filters=(6, 16), padding="valid", dense_units=120
    )


def lenet_filters() -> keras.Sequential:
    """Return the classical LeNet with ReLU and 32 and 64 filters of 3x3: two changes."""
    return lenet(
        "lenet_filters", activation="relu", kernel_size=3, filters=(32, 64), padding="valid", dense_units=120
    )


def lenet_padded() -> keras.Sequential:
    """Return the classical LeNet with ReLU, 32 and 64 filters of 3x3 and padding: three changes."""
    return lenet(
        "lenet_padded", activation="relu", kernel_size=3, filters=(32, 64), padding="same", dense_units=120
    )


def lenet_custom() -> keras.Sequential:
    """Return the report's custom LeNet: all four changes, the best network of the original report."""
    return lenet(
        "lenet_custom", activation="relu", kernel_size=3, filters=(32, 64), padding="same", dense_units=128
    )


def _alexnet(name: str, batch_norm_momentum: float) -> keras.Sequential:
    return _network(
        name,
        layers.Conv2D(96, 3, padding="same", activation="relu", name="conv1"),
        layers.BatchNormalization(momentum=batch_norm_momentum, name="norm1"),
        layers.MaxPooling2D(2, name="pool1"),
        layers.Conv2D(256, 3, padding="same", activation="relu", name="conv2"),
        layers.BatchNormalization(momentum=batch_norm_momentum, name="norm2"),
        layers.MaxPooling2D(2, name="pool2"),
        layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3"),
        layers.Conv2D(384, 3, padding="same", activation="relu", name="conv4"),
        layers.Conv2D(256, 3, padding="same", activation="relu", name="conv5"),
        layers.MaxPooling2D(2, name="pool5"),
        layers.Flatten(name="flatten"),
        layers.Dense(1024, activation="relu", name="dense6"),
        layers.Dropout(0.5, name="dropout6"),
        layers.Dense(1024, activation="relu", name="dense7"),
        layers.Dropout(0.5, name="dropout7"),
    )


def alexnet() -> keras.Sequential:
    """Return the report's AlexNet for 48x48 pixels, as printed (Krizhevsky et al. 2012)."""
    return _alexnet("alexnet", batch_norm_momentum=0.99)


def alexnet_fixed() -> keras.Sequential:
    """Return the same layers with batch-norm averages that keep up with the training."""
    return _alexnet("alexnet_fixed", BATCH_NORM_MOMENTUM)


def cellnet() -> keras.Sequential:
    """Return our compact network: three stages of two 3x3 convolutions, then a global average.

    The first stage keeps all 48 pixels; batch normalisation after every convolution (Ioffe & Szegedy 2015,
    arXiv:1502.03167), global average pooling instead of dense layers (Lin et al. 2013, arXiv:1312.4400).
    """
    stack: list[keras.Layer] = []
    for stage, filters in enumerate((32, 64, 128), start=1):
        for half in "ab":
            stack += [
                layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{stage}{half}"),
                layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"norm{stage}{half}"),
                layers.ReLU(name=f"relu{stage}{half}"),
            ]
        if stage < 3:
            stack.append(layers.MaxPooling2D(2, name=f"pool{stage}"))
    return _network("cellnet", *stack, layers.GlobalAveragePooling2D(name="average"))


BUILDERS: dict[str, Callable[[], keras.Sequential]] = {
    builder.__name__: builder
    for builder in (
        lenet_classic,
        lenet_relu,
        lenet_filters,
        lenet_padded,
        lenet_custom,
        alexnet,
        alexnet_fixed,
        cellnet,
    )
}
"""Every network by name."""
