"""The networks of the study; each takes uint8 images and returns eight class probabilities.

Scaling to [-1, 1] is the first layer of every network, so a saved ``.keras`` file scores raw images.
"""

from collections.abc import Callable
from functools import partial

from helpers.data import CLASS_NAMES, SIDE
from helpers.networks.backend import keras

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


def _norm(name: str) -> keras.Layer:
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=name)


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
    """Return a LeNet-5 with the given choices; without any it is the report's custom LeNet.

    ``activation`` is that of the convolutions and of C5; the 84-unit layer is tanh in every variant, as in
    the report. Layers carry the names of LeCun et al. 1998 (doi:10.1109/5.726791), C1 S2 C3 S4 C5 F6.
    """
    convolve = partial(layers.Conv2D, kernel_size=kernel_size, padding=padding, activation=activation)
    return _network(
        name,
        convolve(filters[0], name="C1"),
        *([_norm("C1_norm")] if batch_norm else []),
        layers.MaxPooling2D(2, name="S2"),
        convolve(filters[1], name="C3"),
        *([_norm("C3_norm")] if batch_norm else []),
        layers.MaxPooling2D(2, name="S4"),
        *_dense_head(dense_units, activation),
    )


def _dense_head(units: int = 128, activation: str = "relu") -> list[keras.Layer]:
    return [
        layers.Flatten(name="flatten"),
        layers.Dense(units, activation=activation, name="C5"),
        layers.Dense(84, activation="tanh", name="F6"),
    ]


def alexnet(name: str, batch_norm_momentum: float = 0.99) -> keras.Sequential:
    """Return the report's AlexNet for 48x48 pixels, as printed (after Krizhevsky et al. 2012)."""
    convolve = partial(layers.Conv2D, kernel_size=3, padding="same", activation="relu")
    return _network(
        name,
        convolve(96, name="conv1"),
        layers.BatchNormalization(momentum=batch_norm_momentum, name="norm1"),
        layers.MaxPooling2D(2, name="pool1"),
        convolve(256, name="conv2"),
        layers.BatchNormalization(momentum=batch_norm_momentum, name="norm2"),
        layers.MaxPooling2D(2, name="pool2"),
        convolve(384, name="conv3"),
        convolve(384, name="conv4"),
        convolve(256, name="conv5"),
        layers.MaxPooling2D(2, name="pool5"),
        layers.Flatten(name="flatten"),
        layers.Dense(1024, activation="relu", name="dense6"),
        layers.Dropout(0.5, name="dropout6"),
        layers.Dense(1024, activation="relu", name="dense7"),
        layers.Dropout(0.5, name="dropout7"),
    )


def three_stages(name: str, *, pooling_head: bool = True, residual: bool = False) -> keras.Model:
    """Return our compact network: three stages of two 3x3 convolutions, the first on all 48x48 pixels.

    Batch normalisation follows every convolution (Ioffe & Szegedy 2015, arXiv:1502.03167). The head is a
    global average (Lin et al. 2013, arXiv:1312.4400) or, without ``pooling_head``, the custom LeNet's dense
    layers. ``residual`` adds what enters a stage's second convolution to its output (He et al. 2015,
    arXiv:1512.03385).
    """
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    for stage, filters in enumerate((32, 64, 128), start=1):
        for half in "ab":
            entering = x
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{stage}{half}")(x)
            x = _norm(f"norm{stage}{half}")(x)
            if residual and half == "b":
                x = layers.Add(name=f"add{stage}")([x, entering])
            x = layers.ReLU(name=f"relu{stage}{half}")(x)
        if stage < 3 or not pooling_head:
            x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    for layer in [layers.GlobalAveragePooling2D(name="average")] if pooling_head else _dense_head():
        x = layer(x)
    softmax = layers.Dense(len(CLASS_NAMES), activation="softmax", dtype="float32", name="probabilities")
    return keras.Model(image, softmax(x), name=name)


BUILDERS: dict[str, Callable[[str], keras.Model]] = {
    "lenet_classic": partial(
        lenet, activation="tanh", kernel_size=5, filters=(6, 16), padding="valid", dense_units=120
    ),
    "lenet_relu": partial(lenet, kernel_size=5, filters=(6, 16), padding="valid", dense_units=120),
    "lenet_filters": partial(lenet, padding="valid", dense_units=120),
    "lenet_padded": partial(lenet, dense_units=120),
    "lenet_custom": lenet,
    "lenet_normed": partial(lenet, batch_norm=True),
    "three_stages": partial(three_stages, pooling_head=False),
    "cellnet": three_stages,
    "cellnet_residual": partial(three_stages, residual=True),
    "alexnet": alexnet,
    "alexnet_fixed": partial(alexnet, batch_norm_momentum=BATCH_NORM_MOMENTUM),
}
"""Every network by name: the LeNets and the stages in the order of the ladder of ``04_lenet_variants``."""


def build(name: str) -> keras.Model:
    """Return the untrained network of that name."""
    return BUILDERS[name](name)
