"""One report's cells, their split, and doors that load a finished piece of the study or compute it."""

import os
import time
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from helpers import networks
from helpers.data import KEYWORDS, Cells, Part, Split, load_cells, split_cells, take_sample
from helpers.errors import InputError
from helpers.features import colour_statistics, has_blue_background, stained_areas
from helpers.files import ROOT, code_key, key_of, load_or_compute_table
from helpers.networks import Run
from helpers.recipes import NETWORKS, PROFILES, Profile

CLASSICAL = ("forest", "handcrafted_best")
"""The models without a network."""

SCHEDULER = "BLOOD_CELLS_DASK"
"""The environment variable with the address of a Dask scheduler, for notebooks that are not told one."""


@dataclass(frozen=True)
class Study:
    """The cells of one report, split, the folder its results are kept in, and a Dask scheduler if one shall help."""

    cells: Cells
    split: Split
    profile_name: str
    out: Path
    scheduler: str | None = None

    @property
    def profile(self) -> Profile:
        """How much this study computes."""
        return PROFILES[self.profile_name]

    @property
    def kept(self) -> Path:
        """The folder of finished work, each piece under a name that changes with all it depends on."""
        return self.out / "runs"

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

    def _part(self, *names: str) -> Part:
        chosen = self.split.indices(*names)
        assert self.cells.labels is not None
        return Part(self.cells.images[chosen], self.cells.labels[chosen])

    def development_statistics(self) -> pd.DataFrame:
        """Return a row per training and validation image, in the order of the data; computed once and kept.

        The index is the image's position in the data. Columns: red, green, blue, grey, black and white
        (`helpers.features.colour`); label; dark_area, of the central dark part in pixels, NaN where it reaches the edge
        (`helpers.features.handcrafted`); has_blue_background (`helpers.data.audit`).
        """

        def compute() -> pd.DataFrame:
            part = self._part("train", "validation")
            more = {
                "label": part.labels,
                "dark_area": stained_areas(part.images),
                "has_blue_background": has_blue_background(part.images),
            }
            positions = self.split.indices("train", "validation")
            return colour_statistics(part.images).assign(**more).set_index(positions)

        key = key_of(self.cells.sha256, self.split.sha256, code_key("features"))
        return load_or_compute_table(self.kept / f"statistics-{key}.csv", compute)

    def trained(self, *names: str) -> dict[str, list[Run]]:
        """Return the finished runs of the recipes ``names``, one per seed: read where they exist, else trained now.

        InputError where the study's profile trains no such recipe.
        """
        recipes = {name: self.profile.recipe(name) for name in names}
        seeds = {name: range(self.profile.trainings[name][1]) for name in names}
        inputs = (self.train, self.validation, self.kept)
        if self.scheduler:
            jobs = [(recipe, seed) for name, recipe in recipes.items() for seed in seeds[name]]
            networks.train_on(self.scheduler, jobs, *inputs)
        return {
            name: [networks.train(recipe, seed, *inputs) for seed in seeds[name]]
            for name, recipe in recipes.items()
        }

    def fitted(self, name: str) -> Run:
        """Return the finished run of a classical model: read where it exists, else fitted on the training images.

        InputError where ``name`` is not in `CLASSICAL`.
        """
        from helpers.features import classical

        if name not in CLASSICAL:
            raise InputError(f"model {name!r}: no classical one, expected one of {', '.join(CLASSICAL)}")

        def compute(folder: Path) -> tuple[dict[str, Any], np.ndarray]:
            fit = classical.fit_forest if name == "forest" else classical.fit_handcrafted_best
            work = partial(fit, self.train.images, self.train.labels, seed=0)
            started = time.perf_counter()
            model = networks.with_joblib_on(self.scheduler, work) if self.scheduler else work()
            record = {
                "name": name,
                "seed": 0,
                "model_file": "model.skops",
                "params": None,
                "train_seconds": round(time.perf_counter() - started, 1),
                "threads": joblib.cpu_count(),
                "chosen": model.chosen,
                "scikit-learn": version("scikit-learn"),
            }
            classical.save_classical(model, folder / "model.skops")
            return record, classical.predict_probabilities(model, self.validation.images)

        key = key_of(name, self.train.sha256, self.validation.sha256, classical.CODE)
        return networks.load_or_compute_run(self.kept / f"{name}-{key}", compute, self.train, self.validation)

    def all_runs(self) -> dict[str, list[Run]]:
        """Return the finished runs of every model that is scored on the test images, computing missing ones."""
        return {name: [self.fitted(name)] for name in CLASSICAL} | self.trained(*NETWORKS)


def open_study(data: str = "auto", profile: str = "quick", out: str | Path = "outputs") -> Study:
    """Return the cells of ``data``, split, and the folder ``out`` (relative paths start at the checkout).

    Trainings, features and the forest's search run on the cluster of the Dask scheduler that BLOOD_CELLS_DASK names
    (``tcp://HOST:PORT``), and on this machine where it names none; the results are the same.
    InputError where the data cannot be used for training, or there is no such profile.
    """
    if profile not in PROFILES:
        raise InputError(f"profile {profile!r}: not known, expected one of {', '.join(PROFILES)}")
    chosen = PROFILES[profile]
    source = data if data in KEYWORDS else ROOT / Path(data).expanduser()
    cells = load_cells(source, synthetic_count=chosen.synthetic_count)
    if chosen.largest_sample is not None:
        cells = take_sample(cells, chosen.largest_sample)
    kept = ROOT / Path(out).expanduser()
    return Study(cells, split_cells(cells), profile, kept, os.environ.get(SCHEDULER))
