"""One report's cells, split, and doors that load a finished piece of the study or compute it."""

import os
import time
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import joblib

from helpers.cells import Cells, InputError
from helpers.data import KEYWORDS, load_cells
from helpers.energy import start_energy_meter
from helpers.preprocessing import Part, Split, split_cells, take_sample
from helpers.recipes import NETWORKS, PROFILES, SCALINGS, Profile
from helpers.runs import Run, finished_run, read_run, write_run
from helpers.storage import ROOT, folder_written_atomically, key_of

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
    def scalings(self) -> dict[str, str]:
        """The scalings of pixels that this profile compares: name and recipe."""
        return {
            scaling: recipe.name
            for scaling, recipe in SCALINGS.items()
            if recipe.name in self.profile.trainings
        }

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
        return self._test

    @cached_property
    def _test(self) -> Part:
        return self._part("test")

    def _part(self, name: str) -> Part:
        chosen = self.split.indices(name)
        assert self.cells.labels is not None
        return Part(self.cells.images[chosen], self.cells.labels[chosen])


def open_study(
    data: str = "auto",
    profile: str = "quick",
    out: str | Path = "outputs",
    scheduler: str | None = None,
) -> Study:
    """Return the cells of ``data``, split, and the folder ``out`` (relative paths start at the checkout).

    Trainings, features and the forest's search run on the cluster of the Dask ``scheduler`` (``tcp://HOST:PORT``, by
    default what BLOOD_CELLS_DASK says), and on this machine where none is named; the results are the same.

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
    return Study(
        cells,
        split_cells(cells),
        profile,
        ROOT / Path(out).expanduser(),
        scheduler or os.environ.get(SCHEDULER),
    )


def trained(study: Study, *names: str) -> dict[str, list[Run]]:
    """Return the finished runs of the recipes ``names``, one per seed: read where they exist, else trained now.

    InputError where the study's profile trains no such recipe.
    """
    from helpers.training import train

    recipes = [study.profile.recipe(name) for name in names]
    jobs = [(recipe, seed) for recipe in recipes for seed in range(study.profile.trainings[recipe.name][1])]
    if study.scheduler:
        from helpers.distribution import train_on

        train_on(study.scheduler, jobs, study.train, study.validation, study.out / "runs")
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for recipe, seed in jobs:
        runs[recipe.name].append(train(recipe, seed, study.train, study.validation, study.out / "runs"))
    return runs


def fitted(study: Study, name: str) -> Run:
    """Return the finished run of a classical model: read where it exists, else fitted on the training images.

    InputError where ``name`` is not in `CLASSICAL`.
    """
    from helpers import classical

    if name not in CLASSICAL:
        raise InputError(f"model {name!r}: no classical one, expected one of {', '.join(CLASSICAL)}")
    fit = {"forest": classical.fit_forest, "handcrafted_best": classical.fit_handcrafted_best}[name]
    versions = [version(name) for name in ("scikit-learn", "scikit-image", "scipy", "numpy", "skops")]
    key = key_of(name, study.train.sha256, study.validation.sha256, versions, classical.SOURCE)
    folder = study.out / "runs" / f"{name}-{key}"
    if finished_run(folder) is None:
        with folder_written_atomically(folder) as temporary:
            started, joules_used = time.perf_counter(), start_energy_meter()
            work = partial(fit, study.train.images, study.train.labels, seed=0)
            if study.scheduler:
                from helpers.distribution import with_joblib_on

                model = with_joblib_on(study.scheduler, work)
            else:
                model = work()
            seconds, joules = round(time.perf_counter() - started, 1), joules_used()
            classical.save_classical(model, temporary / "model.skops")
            record = {
                "name": name,
                "seed": 0,
                "model_file": "model.skops",
                "params": None,
                "train_seconds": seconds,
                "train_joules": None if study.scheduler else joules,
                "threads": joblib.cpu_count(),
                "chosen": model.chosen,
                "scikit-learn": version("scikit-learn"),
            }
            probabilities = classical.predict_probabilities(model, study.validation.images)
            write_run(temporary, record, probabilities, study.train, study.validation)
    return read_run(folder)


def all_runs(study: Study) -> dict[str, list[Run]]:
    """Return the finished runs of every model that is scored on the test images, computing those that are missing."""
    return {name: [fitted(study, name)] for name in CLASSICAL} | trained(study, *NETWORKS)
