"""The cells of one report, their split, and functions that load a finished piece of the study or compute it."""

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
from helpers.cache_keys import key_of
from helpers.data import KEYWORDS, Cells, Part, Split, load_cells, split_cells, take_sample
from helpers.errors import InputError
from helpers.features import colour_statistics, has_blue_background, stained_areas
from helpers.files import ROOT
from helpers.recipes import PROFILES, TESTED_NETWORKS, Profile

CLASSICAL = ("forest", "handcrafted_best")  # the models that are not networks

SCHEDULER = "BLOOD_CELLS_DASK"  # the environment variable that gives notebooks the address of a Dask scheduler

Runs = dict[str, list[networks.Run]]  # by model name, a finished run per seed


joblib.register_parallel_backend("loky", partial(joblib.parallel.BACKENDS["loky"], **networks.ENDS_WITH_PARENT))


@dataclass(frozen=True)
class Study:
    """The cells of one report, their split, the folder of its results, and the address of a Dask scheduler if any.

    Finished work is kept in ``out/runs``, under names that change with everything that it depends on.
    """

    cells: Cells
    split: Split
    profile_name: str
    out: Path
    scheduler: str | None = None

    @property
    def profile(self) -> Profile:
        return PROFILES[self.profile_name]

    @cached_property
    def train(self) -> Part:
        return self._part("train")

    @cached_property
    def validation(self) -> Part:
        """Validation images and labels, for choices and never for results."""
        return self._part("validation")

    def open_test(self) -> Part:
        """Return the test images and labels; only ``06_evaluation`` calls this."""
        return self._part("test")

    def _part(self, *names: str) -> Part:
        chosen = self.split.indices(*names)
        assert self.cells.labels is not None
        return Part(self.cells.images[chosen], self.cells.labels[chosen])

    def development_statistics(self) -> pd.DataFrame:
        """Return a row per training and validation image in the order of `Split.indices`.

        The index is the image's position in the data. Columns: red, green, blue, grey, black and white
        (`helpers.features.colour_statistics`); label; dark_area (`helpers.features.stained_areas`, in pixels);
        has_blue_background (`helpers.features.has_blue_background`).
        """
        part = self._part("train", "validation")
        table = colour_statistics(part.images).set_index(self.split.indices("train", "validation"))
        table["label"], table["dark_area"] = part.labels, stained_areas(part.images)
        return table.assign(has_blue_background=has_blue_background(part.images))

    def load_or_train(self, *names: str) -> Runs:
        """Return the finished runs of the recipes ``names``, one per seed, trained now if they do not exist.

        InputError if the study's profile does not train such a recipe.
        """
        recipes = [self.profile.recipe(name) for name in names]
        jobs = {each.name: [(each, seed) for seed in range(self.profile.trainings[each.name][1])] for each in recipes}
        inputs = (self.train, self.validation, self.out / "runs")
        if self.scheduler:
            networks.train_on(self.scheduler, [job for each in jobs.values() for job in each], *inputs)
        return {name: [networks.train(recipe, seed, *inputs) for recipe, seed in each] for name, each in jobs.items()}

    def load_or_fit(self, name: str, share: float = 1) -> networks.Run:
        """Return the finished run of a classical model, fitted now on the training images if it does not exist.

        Of each class, a ``share`` of the images is learnt, rounded down. InputError if ``name`` is not in `CLASSICAL`.
        """
        from helpers.features import classical

        if name not in CLASSICAL:
            raise InputError(f"model {name!r}: not a classical model, expected one of {', '.join(CLASSICAL)}")

        draws = pd.Series(np.random.default_rng(0).random(len(self.train.labels)))
        is_learnt = (draws.groupby(self.train.labels).rank(pct=True) <= share).to_numpy()
        train = Part(self.train.images[is_learnt], self.train.labels[is_learnt])

        def compute(folder: Path) -> tuple[dict[str, Any], np.ndarray]:
            fit = classical.fit_forest if name == "forest" else classical.fit_handcrafted_best
            work = partial(fit, train.images, train.labels, seed=0)
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

        key = key_of(name, train.sha256, self.validation.sha256, classical.CODE)
        return networks.load_or_compute_run(self.out / "runs" / f"{name}-{key}", compute, train, self.validation)

    def load_or_train_all(self) -> Runs:
        """Return the finished runs of every model that is scored on the test images, computed now if missing."""
        return {name: [self.load_or_fit(name)] for name in CLASSICAL} | self.load_or_train(*TESTED_NETWORKS)


def open_study(
    data: str = "auto", profile: str = "quick", out: str | Path = "outputs", classes: str = "", crop: str = "auto"
) -> Study:
    """Load and split the cells of ``data``, and return a study that keeps its work in ``out``.

    Relative paths start at the checkout; ``classes`` and ``crop`` are as in `helpers.data.load_cells`. Images without
    a label are left out. If BLOOD_CELLS_DASK names a Dask scheduler (``tcp://HOST:PORT``), training
    runs, features and the forest's search run on its cluster, with the same results. InputError if the data cannot be
    used for training or there is no such profile.
    """
    if profile not in PROFILES:
        raise InputError(f"profile {profile!r}: unknown, expected one of {', '.join(PROFILES)}")
    chosen = PROFILES[profile]
    source = data if data in KEYWORDS else ROOT / Path(data).expanduser()
    cells = load_cells(source, classes=classes, crop=crop, synthetic_count=chosen.synthetic_count).labelled()
    cells = take_sample(cells, chosen.largest_sample or len(cells))
    return Study(cells, split_cells(cells), profile, ROOT / Path(out).expanduser(), os.environ.get(SCHEDULER))
