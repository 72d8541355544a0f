"""What is trained on what: the profiles, and doors that load a finished piece of the study or compute it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.cells import Cells, InputError
from helpers.data import KEYWORDS, load_cells
from helpers.preprocessing import Part, Split, split_cells, take_sample
from helpers.runs import RECORD, Run, read_run, write_run
from helpers.storage import ROOT, folder_written_atomically, key_of, source_key

if TYPE_CHECKING:
    from helpers.training import Recipe


@dataclass(frozen=True)
class Profile:
    """How much is computed: images, seeds per network, epochs per network (others are not trained)."""

    synthetic_count: int
    largest_sample: int | None
    seeds: int
    epochs: dict[str, int]


PROFILES = {
    "smoke": Profile(480, 480, 1, {"lenet_classic": 2, "lenet_custom": 2, "alexnet": 1}),
    "quick": Profile(6_000, None, 1, {"lenet_classic": 20, "lenet_custom": 12, "alexnet": 2}),
    "full": Profile(
        12_000,
        None,
        3,
        {"lenet_classic": 30, "lenet_custom": 20, "alexnet": 8, "alexnet_fixed": 8, "cellnet": 12},
    ),
}
"""``smoke`` shows that everything runs, ``quick`` is the report in minutes, ``full`` has three seeds."""

CLASSICAL = ("forest", "handcrafted_best")
"""The models without a network."""


@dataclass(frozen=True)
class Study:
    """The cells of one report, split, and the folder its results are kept in."""

    cells: Cells
    split: Split
    profile_name: str
    out: Path

    @property
    def profile(self) -> Profile:
        """How much this study computes."""
        return PROFILES[self.profile_name]

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks that this profile trains, in the order of the story."""
        return tuple(self.profile.epochs)

    @cached_property
    def train(self) -> Part:
        """Training images and labels."""
        return self._part("train")

    @cached_property
    def validation(self) -> Part:
        """Validation images and labels: for choices, never for results."""
        return self._part("validation")

    def open_test(self) -> Part:
        """Return the test images and labels; only ``06_evaluation`` calls this."""
        return self._part("test")

    def _part(self, name: str) -> Part:
        chosen = self.split.indices(name)
        assert self.cells.labels is not None
        return Part(self.cells.images[chosen], self.cells.labels[chosen])


def open_study(data: str = "auto", profile: str = "quick", out: str | Path = "outputs") -> Study:
    """Return the cells of ``data``, split, and the folder ``out`` (relative paths start at the checkout).

    Raises
    ------
    InputError
        The data cannot be used for training, or there is no such profile.
    """
    if profile not in PROFILES:
        raise InputError(f"profile {profile!r}: not known, expected one of {', '.join(PROFILES)}")
    chosen = PROFILES[profile]
    source = data if data in KEYWORDS else ROOT / Path(data).expanduser()
    cells = load_cells(source, synthetic_count=chosen.synthetic_count)
    if chosen.largest_sample is not None:
        cells = take_sample(cells, chosen.largest_sample)
    return Study(cells, split_cells(cells), profile, ROOT / out)


def recipe_of(study: Study, network: str) -> Recipe:
    """Return the recipe by which this study's profile trains ``network``."""
    from helpers.training import Recipe, fastest_precision

    recipe = Recipe(network, epochs=study.profile.epochs[network])
    if network in ("alexnet", "alexnet_fixed"):
        # AlexNet is heavy enough for low precision to halve its time; the others would not gain.
        recipe = replace(recipe, precision=fastest_precision())
    if network == "cellnet":
        recipe = replace(
            recipe, learning_rate=3e-3, weight_decay=0.05, cosine_decay=True, flips_and_turns=True,
            keep_best_epoch=False,
        )  # fmt: skip
    return recipe


def trained(study: Study, network: str) -> list[Run]:
    """Return the finished runs of ``network``, one per seed: read where they exist, else trained now."""
    from helpers.training import train

    recipe, runs = recipe_of(study, network), study.out / "runs"
    return [train(recipe, seed, study.train, study.validation, runs) for seed in range(study.profile.seeds)]


def fitted(study: Study, name: str) -> Run:
    """Return the finished run of a classical model: read where it exists, else fitted on the training images."""
    from helpers import classical

    fit = {"forest": classical.fit_forest, "handcrafted_best": classical.fit_handcrafted_best}[name]
    rooms = source_key("cells", "features", "shape_features", "classical", "runs")
    versions = [version(name) for name in ("scikit-learn", "scikit-image", "scipy", "numpy", "skops")]
    key = key_of(name, study.train.sha256, study.validation.sha256, versions, rooms)
    folder = study.out / "runs" / f"{name}-{key}"
    if not (folder / RECORD).exists():
        with folder_written_atomically(folder) as temporary:
            started = time.perf_counter()
            model = fit(study.train.images, study.train.labels, seed=0)
            seconds = round(time.perf_counter() - started, 1)
            classical.save_classical(model, temporary / "model.skops")
            record = {
                "name": name,
                "seed": 0,
                "model_file": "model.skops",
                "params": None,
                "train_seconds": seconds,
                "chosen": model.chosen,
                "scikit-learn": version("scikit-learn"),
            }
            probabilities = classical.predict_probabilities(model, study.validation.images)
            write_run(temporary, record, probabilities, study.train, study.validation)
    return read_run(folder)


def all_runs(study: Study) -> dict[str, list[Run]]:
    """Return every finished run of the study by model name, computing those that are missing."""
    runs = {name: [fitted(study, name)] for name in CLASSICAL}
    return runs | {network: trained(study, network) for network in study.networks}
