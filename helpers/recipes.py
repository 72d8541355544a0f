"""What is trained, and how: every recipe of the study, the ladder they form, and how much a profile trains."""

from dataclasses import dataclass, replace

from helpers.errors import InputError

THREADS = 2
"""Threads of one training on every machine: the order of sums depends on it, and so do the last digits."""

BATCH = 64
"""Images that a network answers for at once; more would only need more memory."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training, apart from seed and data.

    Parameters
    ----------
    name, network : of the run, and of the network that `helpers.networks.build` builds
    epochs, batch_size, learning_rate : of the training on categorical cross-entropy
    optimizer : "adam", "adamw" or "muon" (`helpers.networks.optimizers`)
    cosine_decay : whether the learning rate rises for 5 % of the steps and then falls to 0 along a cosine
    flips_and_turns : whether each image is shown in another of its eight mirrored and quarter-turned forms each epoch
    acquisition_jitter : strength of `helpers.networks.jitter_acquisition`; 0 for none
    scaling : of pixels, "symmetric" to [-1, 1], "unit" to [0, 1], "raw" (none) or "standardised" (mean 0 and standard
        deviation 1 of each channel over the training images)
    epoch_images : number of images in an epoch, where that is not all of them
    keep_best_epoch : whether the weights of the epoch with the best validation accuracy stay, not the last ones
    patience : epochs without a better validation accuracy that end the training
    mixed_precision : whether to multiply in bfloat16 (Keras' "mixed_bfloat16") where the processor or a GPU can
    """

    name: str
    network: str
    epochs: int = 1
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    cosine_decay: bool = False
    flips_and_turns: bool = False
    acquisition_jitter: float = 0.0
    scaling: str = "symmetric"
    epoch_images: int | None = None
    keep_best_epoch: bool = True
    patience: int | None = None
    mixed_precision: bool = False


@dataclass(frozen=True)
class Rung:
    """A recipe of the ladder, what alone changes against the rung it stands on, and whether the next stands on it.

    ``{epochs}`` in a change stands for how long the profile trains, as in "24 epochs".
    """

    recipe: Recipe
    change: str
    is_kept: bool = True


_CLASSIC = Recipe("lenet_classic", "lenet_classic", patience=3)
_CUSTOM = replace(_CLASSIC, name="lenet_custom", network="lenet_custom")
_TURNED = replace(_CUSTOM, name="turned", flips_and_turns=True)
_ROUNDED = replace(_TURNED, name="bfloat16", mixed_precision=True)
_NORMED = replace(_ROUNDED, name="normed", network="lenet_normed")
_DECAYED = replace(
    _NORMED, name="decayed", cosine_decay=True, learning_rate=3e-3, keep_best_epoch=False, patience=None
)
_ADAMW = replace(_DECAYED, name="adamw", optimizer="adamw")
_STAGES = replace(_ADAMW, name="stages", network="three_stages")
_POOLED = replace(_STAGES, name="pooled", network="cellnet")
_RESIDUAL = replace(_POOLED, name="residual", network="cellnet_residual")
_MUON = replace(_POOLED, name="muon", optimizer="muon", learning_rate=1e-2)
_JITTERED = replace(_MUON, name="jittered", acquisition_jitter=0.1)
_ALEXNET = Recipe("alexnet", "alexnet", mixed_precision=True)

LADDER = (
    Rung(_CLASSIC, "classical LeNet"),
    Rung(replace(_CLASSIC, name="lenet_relu", network="lenet_relu"), "ReLU"),
    Rung(replace(_CUSTOM, name="lenet_filters", network="lenet_filters"), "32 and 64 filters of 3×3"),
    Rung(replace(_CUSTOM, name="lenet_padded", network="lenet_padded"), "same padding"),
    Rung(_CUSTOM, "128 dense units"),
    Rung(_TURNED, "flips and quarter turns"),
    Rung(_ROUNDED, "bfloat16, where the machine has it"),
    Rung(_NORMED, "batch normalisation"),
    Rung(_DECAYED, "warm-up to 0.003, cosine decay, last epoch kept"),
    Rung(_ADAMW, "AdamW for Adam"),
    Rung(_STAGES, "three stages of two convolutions"),
    Rung(_POOLED, "global average for dense layers"),
    Rung(_RESIDUAL, "residual connections", is_kept=False),
    Rung(_MUON, "Muon for AdamW, learning rate 0.01"),
    Rung(_JITTERED, "other stains, lamps and lenses"),
    Rung(replace(_JITTERED, name="cellnet"), "{epochs}"),
)
"""The rungs in order, from the report's classical LeNet over its custom one to cellnet."""

CHANGES = ("lenet_relu", "lenet_filters", "lenet_padded", "lenet_custom")
"""The four rungs that stand for the changes which the original report made (claim C15)."""

SCALINGS = {
    "[-1, 1]": _CLASSIC,
    "[0, 1]": replace(_CLASSIC, name="scaling_unit", scaling="unit"),
    "standardised": replace(_CLASSIC, name="scaling_standardised", scaling="standardised"),
    "raw": replace(_CLASSIC, name="scaling_raw", scaling="raw"),
}
"""The classical LeNet on pixels scaled in four ways (claim C14)."""

RECIPES = {
    recipe.name: recipe
    for recipe in (
        *(rung.recipe for rung in LADDER),
        *SCALINGS.values(),
        _ALEXNET,
        replace(
            _ALEXNET,
            name="alexnet_fixed",
            network="alexnet_fixed",
            flips_and_turns=True,
            cosine_decay=True,
            keep_best_epoch=False,
        ),
    )
}
"""Every recipe by name; a profile says for how many epochs."""

NETWORKS = ("lenet_classic", "lenet_custom", "alexnet", "alexnet_fixed", "cellnet")
"""The networks that are scored on the test images."""


@dataclass(frozen=True)
class Profile:
    """How much is computed: images drawn where there are none, images used at most, trainings.

    ``trainings`` maps the name of a recipe to its epochs and its number of seeds; ``epoch_images`` to the images
    in an epoch where that is not all of them. ``typical_seconds`` is what each notebook takes on two cores, for the
    first run's estimate; after ``cell_time_limit`` seconds a cell is stopped. Images are corrupted in chapter 4
    (``corrupted_validation_images``) and, at ``severities``, in chapter 6 (``corrupted_test_images``), where
    the explanations of ``explained_images`` are checked.
    """

    synthetic_count: int
    largest_sample: int | None
    trainings: dict[str, tuple[int, int]]
    epoch_images: dict[str, int]
    typical_seconds: tuple[float, ...]
    cell_time_limit: int
    corrupted_validation_images: int
    corrupted_test_images: int
    severities: tuple[int, ...]
    explained_images: int

    def recipe(self, name: str) -> Recipe:
        """Return the recipe called ``name`` with this profile's epochs; InputError where it trains no such recipe."""
        if name not in self.trainings:
            raise InputError(f"recipe {name!r}: not trained, expected one of {', '.join(self.trainings)}")
        return replace(
            RECIPES[name], epochs=self.trainings[name][0], epoch_images=self.epoch_images.get(name)
        )


PROFILES = {
    "smoke": Profile(
        480,
        480,
        {
            "lenet_classic": (2, 1),
            "lenet_custom": (2, 1),
            "alexnet": (1, 1),
            "alexnet_fixed": (1, 1),
            "cellnet": (1, 1),
            "muon": (1, 1),
            "jittered": (1, 1),
            "scaling_raw": (2, 1),
        },
        {"alexnet": 64, "alexnet_fixed": 64},
        typical_seconds=(10, 10, 20, 30, 25, 45),
        cell_time_limit=600,
        corrupted_validation_images=8,
        corrupted_test_images=8,
        severities=(5,),
        explained_images=8,
    ),
    "quick": Profile(
        6_000,
        None,
        {
            "lenet_classic": (6, 1),
            "lenet_custom": (6, 1),
            "alexnet": (1, 1),
            "alexnet_fixed": (1, 1),
            "cellnet": (5, 1),
        },
        {"alexnet": 1_280, "alexnet_fixed": 4_480},
        typical_seconds=(15, 15, 80, 130, 75, 100),
        cell_time_limit=3_600,
        corrupted_validation_images=300,
        corrupted_test_images=60,
        severities=(3, 5),
        explained_images=64,
    ),
    "full": Profile(
        12_000,
        None,
        {rung.recipe.name: (8 if "lenet" in rung.recipe.network else 4, 3) for rung in LADDER}
        | {recipe.name: (8, 3) for recipe in SCALINGS.values()}
        | {"alexnet": (4, 2), "alexnet_fixed": (8, 2), "cellnet": (24, 3)},
        {},
        typical_seconds=(15, 15, 80, 3_300, 1_500, 300),
        cell_time_limit=24 * 3_600,
        corrupted_validation_images=300,
        corrupted_test_images=400,
        severities=(1, 2, 3, 4, 5),
        explained_images=64,
    ),
}
"""``smoke`` shows that everything runs, ``quick`` is the report in minutes, ``full`` has several seeds."""
