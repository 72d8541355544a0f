"""What each change buys: accuracies and gains over several seeds, with intervals, on validation images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from helpers.evaluation.cost import count_flops
from helpers.evaluation.scores import counted
from helpers.files import code_key, computed_table, key_of
from helpers.networks import Run, build
from helpers.recipes import CHANGES, LADDER, SCALINGS, Profile, Rung
from helpers.study import Study

RESAMPLES = 4_000
RESAMPLES_AT_ONCE = 200
"""Of the bootstrap, and how many of them are held in memory: all at once would take a hundred megabytes."""


def trained_rungs(profile: Profile) -> dict[str, Rung]:
    """Return the rungs that a profile trains, by recipe; each names all that changes against the one before."""
    rungs: dict[str, Rung] = {}
    changes: list[str] = []
    for rung in LADDER:
        is_trained = rung.recipe.name in profile.trainings
        if is_trained:
            change = ", ".join([*changes, rung.change])
            epochs = profile.trainings[rung.recipe.name][0]
            rungs[rung.recipe.name] = replace(rung, change=change.format(epochs=counted(epochs, "epoch")))
        if rung.is_kept:
            changes = [] if is_trained else [*changes, rung.change]
    return rungs


def bootstrap_means(correct: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return bootstrapped mean accuracies of models that saw the same N images, in two parts to be added.

    ``correct`` holds one (seeds, N) array per model. The parts are (models, RESAMPLES): the mean over the seeds on
    images drawn with replacement, once for all models (Efron & Tibshirani 1993); and what drawing the seeds as well,
    for each model by itself, adds to it: as widely spread as the mean of so many seeds is (their sd over n - 1), less
    what drawing the images has counted already (see `_share_of_seeds`).
    """
    generator = np.random.default_rng(0)
    images = correct[0].shape[1]
    everything, uniform = np.concatenate(correct).T.astype(np.float64), np.full(images, 1 / images)
    drawn = [
        generator.multinomial(images, uniform, RESAMPLES_AT_ONCE) @ everything
        for _ in range(RESAMPLES // RESAMPLES_AT_ONCE)
    ]
    by_model = np.split(
        np.concatenate(drawn) / images, np.cumsum([len(seeds) for seeds in correct])[:-1], axis=1
    )
    means, deviations = [], []
    for by_seed, accuracies in zip(correct, by_model, strict=True):
        seeds = len(by_seed)
        shares = generator.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
        means.append(accuracies.mean(axis=1))
        widened = np.sqrt(_share_of_seeds(by_seed) * seeds / max(1, seeds - 1))
        deviations.append(widened * ((accuracies * shares).sum(axis=1) - means[-1]))
    return np.stack(means), np.stack(deviations)


def _share_of_seeds(correct: np.ndarray) -> float:
    """Return the share, in [0, 1], of the variance between accuracies of seeds that would be there with endless images.

    ``correct`` is (seeds, N). The rest is there because seeds err on different images, and is counted by whoever draws
    images (Owen 2007, doi:10.1214/07-AOAS122).
    """
    seeds, images = correct.shape
    accuracies = correct.mean(axis=1)
    if seeds < 2 or np.ptp(accuracies) == 0:
        return 0.0
    apart = correct - correct.mean(axis=0) - accuracies[:, None] + accuracies.mean()
    by_chance = np.sum(apart**2) / ((seeds - 1) * (images - 1)) / images
    return max(0.0, 1 - float(by_chance / accuracies.var(ddof=1)))


def _interval(means: np.ndarray, deviations: np.ndarray, freedom: int) -> tuple[float, float]:
    """Return a 95 % interval; few seeds are bad judges of their own spread, which Student's t makes up for."""
    student = stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975) if freedom else 0.0
    low, high = np.percentile(means + student * deviations, [2.5, 97.5])
    return float(low), float(high)


def ladder_table(runs: dict[str, list[Run]], ladder: dict[str, Rung], labels: np.ndarray) -> pd.DataFrame:
    """Return one row per rung: change, validation accuracy and gain with 95 % intervals, cost.

    The gain is that on the last rung before it which was kept. The columns: change, is_kept, of_report (whether it is
    one of the original report's networks or changes), accuracy, low, high, seed_sd (NaN with one seed), gain, gain_low,
    gain_high (NaN in the first row), seeds, parameters, epochs, seconds (mean over the seeds).
    """
    correct = [
        np.stack([run.validation_probabilities().argmax(axis=1) == labels for run in runs[name]])
        for name in ladder
    ]
    means, deviations = bootstrap_means(correct)
    rows, before = [], 0
    for index, (name, rung) in enumerate(ladder.items()):
        by_seed = correct[index].mean(axis=1)
        low, high = _interval(means[index], deviations[index], len(by_seed) - 1)
        gain, gain_low, gain_high = float("nan"), float("nan"), float("nan")
        if index:
            gain = float(by_seed.mean() - correct[before].mean())
            gain_low, gain_high = _interval(
                means[index] - means[before],
                deviations[index] - deviations[before],
                len(by_seed) + len(correct[before]) - 2,
            )
        before = index if rung.is_kept else before
        records = [run.record for run in runs[name]]
        rows.append(
            {
                "rung": name,
                "change": rung.change,
                "is_kept": rung.is_kept,
                "of_report": name in ("lenet_classic", *CHANGES),
                "accuracy": float(by_seed.mean()),
                "low": max(0.0, low),
                "high": min(1.0, high),
                "seed_sd": float(by_seed.std(ddof=1)) if len(by_seed) > 1 else float("nan"),
                "gain": gain,
                "gain_low": gain_low,
                "gain_high": gain_high,
                "seeds": len(by_seed),
                "parameters": records[0]["params"],
                "epochs": records[0]["epochs_run"],
                "seconds": float(np.mean([record["train_seconds"] for record in records])),
            }
        )
    return pd.DataFrame(rows).set_index("rung")


def scaling_table(runs: dict[str, list[Run]]) -> pd.DataFrame:
    """Return one row per scaling of the pixels and seed: scaling, speed, falls, last, epochs.

    Over the first ``epochs``, which every run got to, ``speed`` is the mean validation accuracy, ``falls`` the sum of
    its falls from one epoch to the next, ``last`` the validation accuracy after the last of them.
    """
    curves = [
        (name, run.history()["val_accuracy"].to_numpy()) for name, seeds in runs.items() for run in seeds
    ]
    epochs = min(len(curve) for _, curve in curves)
    rows = [
        (
            name,
            curve[:epochs].mean(),
            np.maximum(-np.diff(curve[:epochs]), 0).sum(),
            curve[epochs - 1],
            epochs,
        )
        for name, curve in curves
    ]
    return pd.DataFrame(rows, columns=["scaling", "speed", "falls", "last", "epochs"])


def ladder_of(study: Study) -> tuple[dict[str, list[Run]], pd.DataFrame]:
    """Return the runs of the rungs that a study trains, and their `ladder_table`, computed once and kept.

    A further column, MFLOPs, has the operations of each network for one image in millions.
    """
    rungs, labels = trained_rungs(study.profile), study.validation.labels
    runs = study.trained(*rungs)

    def compute() -> pd.DataFrame:
        networks = [build(seeds[0].record["recipe"]["network"]) for seeds in runs.values()]
        operations = [count_flops(network) / 1e6 for network in networks]
        return ladder_table(runs, rungs, labels).assign(MFLOPs=operations)

    trained = [run.folder.name for seeds in runs.values() for run in seeds]
    key = key_of(trained, [rung.change for rung in rungs.values()], code_key("evaluation"))
    return runs, computed_table(study.kept / f"ladder-{key}.csv", compute)


def scalings_of(study: Study) -> tuple[dict[str, list[Run]], pd.DataFrame]:
    """Return the runs of the scalings of pixels that a study compares, by scaling, and their `scaling_table`."""
    names = {scaling: recipe.name for scaling, recipe in SCALINGS.items()}
    trained = study.trained(*(name for name in names.values() if name in study.profile.trainings))
    runs = {scaling: trained[name] for scaling, name in names.items() if name in trained}
    return runs, scaling_table(runs)


def is_larger(a: Sequence[float], b: Sequence[float]) -> bool:
    """Return whether ``a`` is larger than ``b`` on average beyond chance: Welch's t-test over seeds, p < 0.05."""
    if min(len(a), len(b)) < 2 or np.mean(a) <= np.mean(b):
        return False
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        return True
    return bool(stats.ttest_ind(a, b, equal_var=False).pvalue < 0.05)
