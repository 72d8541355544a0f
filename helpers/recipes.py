"""What is trained, and how: every recipe, the ladder of steps that they form, and how much a profile trains."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers.errors import InputError

THREADS = 2
"""Threads of one training run on every machine. The order of sums depends on them, and so do the last digits."""

BATCH = 64  # images that a network answers for at once; more would only need more memory


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run on categorical cross-entropy, apart from seed and data."""

    name: str
    network: str  # that `helpers.networks.build` builds
    epochs: int = 1
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adam"  # or "adamw" or "muon" (`helpers.networks.optimizers`)
    cosine_decay: bool = False  # whether the learning rate rises for 5 % of the steps, then falls to 0
    flips_and_turns: bool = False  # whether each epoch shows another of the eight forms of an image
    shown_elsewhere: float = 0.0  # share of the images that `helpers.data.show_elsewhere` changes
    strength: float = 1.0  # of these changes
    synthetic_images: int = 0  # drawn cells that are mixed in
    scaling: str = "symmetric"  # to [-1, 1], or "unit" to [0, 1], "raw" (none), "standardised" by channel
    epoch_images: int | None = None  # in an epoch, where that is not all of them
    keep_best_epoch: bool = True  # by validation accuracy, not the last one
    patience: int | None = None  # epochs without a better validation accuracy that end the training run
    mixed_precision: bool = False  # whether to multiply in bfloat16 where the processor or a GPU can


@dataclass(frozen=True)
class Step:
    """A recipe of the ladder, its change against the last step that was kept, and whether it is kept itself.

    ``{epochs}`` in a change stands for how long the profile trains, as in "24 epochs".
    """

    recipe: Recipe
    change: str
    is_kept: bool = True


_CLASSIC = Recipe("lenet_classic", "lenet_classic", patience=3)
_ALEXNET = Recipe("alexnet", "alexnet", mixed_precision=True)
_COSINE: dict[str, Any] = {"cosine_decay": True, "keep_best_epoch": False, "patience": None}

_CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("lenet_classic", "classical LeNet", {}),
    ("lenet_relu", "ReLU instead of tanh", {"network": "lenet_relu"}),
    ("lenet_filters", "32 and 64 filters of 3×3", {"network": "lenet_filters"}),
    ("lenet_padded", "same padding", {"network": "lenet_padded"}),
    ("lenet_custom", "128 dense units", {"network": "lenet_custom"}),
    ("turned", "flips and quarter turns", {"flips_and_turns": True}),
    ("bfloat16", "bfloat16 arithmetic", {"mixed_precision": True}),
    ("normed", "batch normalisation", {"network": "lenet_normed"}),
    ("decayed", "cosine decay from 0.003, last epoch kept", {"learning_rate": 3e-3, **_COSINE}),
    ("adamw", "AdamW instead of Adam", {"optimizer": "adamw"}),
    ("stages", "three stages of two convolutions", {"network": "three_stages"}),
    ("pooled", "global average instead of dense layers", {"network": "pooled"}),
    ("residual", "residual connections (not kept)", {"network": "residual"}),
    ("muon", "Muon instead of AdamW, learning rate 0.01", {"optimizer": "muon", "learning_rate": 1e-2}),
    ("elsewhere", "a third of the images shown as by another laboratory", {"shown_elsewhere": 1 / 3}),
    ("standardised", "channels of each image standardised", {"network": "cellnet"}),
    ("cellnet", "training for {epochs}", {}),
)


def _steps() -> Iterator[Step]:
    recipe = _CLASSIC
    for name, change, settings in _CHANGES:
        step = Step(replace(recipe, name=name, **settings), change, is_kept=name != "residual")
        recipe = step.recipe if step.is_kept else recipe
        yield step


LADDER = tuple(_steps())
"""The steps in order, from the original report's classical LeNet over its custom one to cellnet."""

CHANGES = ("lenet_relu", "lenet_filters", "lenet_padded", "lenet_custom")
"""The four steps that make the changes of the original report (claim C15)."""

_STEPS = {step.recipe.name: step.recipe for step in LADDER}
_ELSEWHERE: dict[str, Any] = {"shown_elsewhere": 1 / 3}

_METHODS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("unturned", "no augmentation", {"flips_and_turns": False}),
    ("muon", "flips and quarter turns", {}),
    ("jittered", "… and a third changed slightly", _ELSEWHERE | {"strength": 0.3}),
    ("divided", "… and background divided out", {"network": "divided"}),
    ("level", "… and channels standardised", {"network": "cellnet"}),
    ("elsewhere", "… and a third shown as by another laboratory", _ELSEWHERE),
    ("divided_elsewhere", "a third shown elsewhere, background divided out", _ELSEWHERE | {"network": "divided"}),
    ("standardised", "a third shown elsewhere, channels standardised", _ELSEWHERE | {"network": "cellnet"}),
    ("grouped", "… with group normalisation", _ELSEWHERE | {"network": "grouped"}),
    ("drawn", "… with synthetic images mixed in", _ELSEWHERE | {"network": "cellnet", "synthetic_images": 2_000}),
)

METHODS = {name: (words, replace(_STEPS["muon"], name=name, **settings)) for name, words, settings in _METHODS}
"""What might help with cells of another laboratory, in words, and the recipe that tries it (chapter 4)."""

SCALINGS = {
    "[-1, 1]": _CLASSIC,
    "[0, 1]": replace(_CLASSIC, name="scaling_unit", scaling="unit"),
    "standardised": replace(_CLASSIC, name="scaling_standardised", scaling="standardised"),
    "raw": replace(_CLASSIC, name="scaling_raw", scaling="raw"),
}
"""The classical LeNet on pixels scaled in four ways (claim C14)."""

_FIXED = replace(_ALEXNET, name="alexnet_fixed", network="alexnet_fixed", flips_and_turns=True, **_COSINE)

_OTHERS = (*SCALINGS.values(), *(recipe for _, recipe in METHODS.values()), _ALEXNET, _FIXED)

RECIPES = _STEPS | {recipe.name: recipe for recipe in _OTHERS}
"""Every recipe by name; a profile says for how many epochs."""

TESTED_NETWORKS = ("lenet_classic", "lenet_custom", "alexnet", "alexnet_fixed", "cellnet")
"""The networks that are scored on the test images."""


@dataclass(frozen=True)
class Profile:
    """How much is computed."""

    synthetic_count: int  # images drawn where there are none
    trainings: dict[str, tuple[int, int]]  # name of a recipe -> its epochs and its number of seeds
    typical_seconds: tuple[float, ...]  # of each notebook on two cores, for the time left
    cell_time_limit: int  # seconds after which a cell of a notebook is stopped
    corrupted_validation_images: int  # in chapter 4
    corrupted_test_images: int  # in chapter 6, at ``severities``
    severities: tuple[int, ...]
    explained_images: int  # in chapter 4
    largest_sample: int | None = None  # images used at most
    epoch_images: dict[str, int] = field(default_factory=dict)  # by recipe, where an epoch has not all

    def recipe(self, name: str) -> Recipe:
        """Return the recipe called ``name`` with this profile's epochs; InputError where it trains no such recipe."""
        if name not in self.trainings:
            raise InputError(f"recipe {name!r}: not trained, expected one of {', '.join(self.trainings)}")
        epochs, _ = self.trainings[name]
        return replace(RECIPES[name], epochs=epochs, epoch_images=self.epoch_images.get(name))


PROFILES = {
    name: Profile(**table)
    for name, table in tomllib.loads(Path(__file__).with_name("profiles.toml").read_text("utf-8")).items()
}
"""``smoke`` shows that everything runs, ``quick`` makes the report in minutes, ``full`` trains several seeds."""
