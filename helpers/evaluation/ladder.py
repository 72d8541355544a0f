"""What training runs show on validation images: gains of changes, scalings of pixels, runs that are too short."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from helpers.data import Part
from helpers.evaluation.scores import accuracy_interval
from helpers.networks import Run, keras, predict_probabilities
from helpers.notation import counted
from helpers.recipes import BATCH, CHANGES, LADDER, SCALINGS, Profile, Step
from helpers.saved_models import load_network
from helpers.study import Runs, Study

RESAMPLES = 4_000
"""Of the bootstrap."""


def trained_steps(profile: Profile) -> dict[str, Step]:
    """Return the steps that a profile trains, by recipe; each names all that changes against the one before."""
    steps: dict[str, Step] = {}
    changes: list[str] = []
    for step in LADDER:
        name, so_far = step.recipe.name, [*changes, step.change]
        if name in profile.trainings:
            epochs = counted(profile.trainings[name][0], "epoch")
            steps[name] = replace(step, change=", ".join(so_far).format(epochs=epochs))
        if step.is_kept:
            changes = [] if name in steps else so_far
    return steps


def bootstrap_means(correct: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return bootstrapped mean accuracies of models that saw the same N images, in two parts to be added.

    ``correct`` holds one (seeds, N) array per model. The parts are (models, RESAMPLES): the mean over the seeds on
    images drawn with replacement, once for all models (Efron & Tibshirani 1993); and what drawing the seeds of each
    model adds to it, with their sd over n - 1, less what drawing the images has counted already.
    """
    generator = np.random.default_rng(0)
    images = correct[0].shape[1]
    everything, uniform = np.concatenate(correct).T.astype(np.float64), np.full(images, 1 / images)
    drawn = generator.multinomial(images, uniform, RESAMPLES) @ everything / images
    ends = np.cumsum([len(seeds) for seeds in correct])
    means, deviations = [], []
    for by_seed, accuracies in zip(correct, np.split(drawn, ends[:-1], axis=1), strict=True):
        seeds = len(by_seed)
        shares = generator.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
        means.append(accuracies.mean(axis=1))
        widened = np.sqrt(_share_of_seeds(by_seed) * seeds / max(1, seeds - 1))
        deviations.append(widened * ((accuracies * shares).sum(axis=1) - means[-1]))
    return np.stack(means), np.stack(deviations)


def _share_of_seeds(correct: np.ndarray) -> float:
    """Return the share, in [0, 1], of the variance between accuracies of seeds that would be there with endless images.

    The rest is there because the (seeds, N) err on different images (Owen 2007, doi:10.1214/07-AOAS122).
    """
    seeds, images = correct.shape
    accuracies = correct.mean(axis=1)
    if seeds < 2 or np.ptp(accuracies) == 0:
        return 0.0
    apart = correct - correct.mean(axis=0) - accuracies[:, None] + accuracies.mean()
    by_chance = np.sum(apart**2) / ((seeds - 1) * (images - 1)) / images
    return max(0.0, 1 - float(by_chance / accuracies.var(ddof=1)))


def _interval(means: np.ndarray, deviations: np.ndarray, freedom: int) -> tuple[float, float]:
    """Return a 95 % interval; few seeds estimate their own spread poorly, which Student's t makes up for."""
    student = stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975) if freedom else 0.0
    low, high = np.percentile(means + student * deviations, [2.5, 97.5])
    return float(low), float(high)


def ladder_table(runs: Runs, ladder: dict[str, Step], labels: np.ndarray) -> pd.DataFrame:
    """Return one row per step: change, validation accuracy and gain with 95 % intervals, cost.

    The columns: change, is_kept, of_report (one of the original report's networks or changes), accuracy, accuracy_low,
    accuracy_high, seed_sd (NaN with one seed), gain over the last step before it that was kept, gain_low, gain_high
    (NaN in the first row), seeds, parameters, epochs, seconds (mean over the seeds). The interval of the accuracy
    covers Wilson's: resampling a network without errors would leave none.
    """
    correct = [
        np.stack([run.validation_probabilities().argmax(axis=1) == labels for run in runs[name]])
        for name in ladder
    ]
    means, deviations = bootstrap_means(correct)
    rows, before = {}, 0
    for index, (name, step) in enumerate(ladder.items()):
        by_seed, records = correct[index].mean(axis=1), [run.record for run in runs[name]]
        low, high = _interval(means[index], deviations[index], len(by_seed) - 1)
        wilson_low, wilson_high = accuracy_interval(by_seed.mean() * len(labels), len(labels))
        gains, further = means[index] - means[before], deviations[index] - deviations[before]
        gain_low, gain_high = _interval(gains, further, len(by_seed) + len(correct[before]) - 2)
        rows[name] = {
            "change": step.change,
            "is_kept": step.is_kept,
            "of_report": name in ("lenet_classic", *CHANGES),
            "accuracy": by_seed.mean(),
            "accuracy_low": max(0.0, min(low, wilson_low)),
            "accuracy_high": min(1.0, max(high, wilson_high)),
            "seed_sd": pd.Series(by_seed).std(),
            "gain": by_seed.mean() - correct[before].mean(),
            "gain_low": gain_low,
            "gain_high": gain_high,
            "seeds": len(by_seed),
            "parameters": records[0]["params"],
            "epochs": records[0]["epochs_run"],
            "seconds": np.mean([record["train_seconds"] for record in records]),
        }
        before = index if step.is_kept else before
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("step")
    table.loc[table.index[0], ["gain", "gain_low", "gain_high"]] = np.nan
    return table


def compute_ladder(study: Study) -> tuple[Runs, pd.DataFrame]:
    """Return the runs of the steps that a study trains, and their `ladder_table`."""
    steps = trained_steps(study.profile)
    runs = study.load_or_train(*steps)
    return runs, ladder_table(runs, steps, study.validation.labels)


def compute_scalings(study: Study) -> pd.DataFrame:
    """Return a row per scaling of the pixels that a study compares, and per seed.

    Over the first ``epochs``, which every run got to, ``speed`` is the mean validation accuracy, ``falls`` the sum of
    its falls from one epoch to the next, ``last`` the validation accuracy after the last of them.
    """
    names = {key: recipe.name for key, recipe in SCALINGS.items() if recipe.name in study.profile.trainings}
    trained = study.load_or_train(*names.values())
    curves = [(key, run.history()["val_accuracy"].to_numpy()) for key in names for run in trained[names[key]]]
    epochs = min(len(curve) for _, curve in curves)
    rows = [
        (key, curve[:epochs].mean(), np.maximum(-np.diff(curve[:epochs]), 0).sum(), curve[epochs - 1], epochs)
        for key, curve in curves
    ]
    return pd.DataFrame(rows, columns=["scaling", "speed", "falls", "last", "epochs"])


def is_larger(a: Sequence[float], b: Sequence[float]) -> bool:
    """Return whether ``a`` is larger than ``b`` on average beyond chance: Welch's t-test over seeds, p < 0.05."""
    if min(len(a), len(b)) < 2:
        return False
    return bool(stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue < 0.025)


def find_undertrained(runs: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """Return the networks whose run of seed 0 was too short to show what they can do, and why.

    At less than half the training accuracy, the running averages of a batch normalisation have not caught up.
    """
    reasons = {}
    for name, (run, *_) in runs.items():
        accuracy, in_training = run.history()[["val_accuracy", "accuracy"]].to_numpy().T
        if len(accuracy) * int(run.record["epoch_images"]) < run.record["train_images"]:
            reasons[name] = "it saw fewer images than the training set holds"
        elif len(accuracy) < 2:
            reasons[name] = "a single epoch does not show whether its validation accuracy was still rising"
        elif accuracy[-1] > accuracy[:-1].max() + 0.01:
            reasons[name] = "its validation accuracy was still rising"
        elif accuracy[-1] < in_training[-1] / 2:
            reasons[name] = "its validation accuracy ended below half its training accuracy"
    return reasons


def accuracy_with_renewed_statistics(run: Run, images: np.ndarray, validation: Part) -> float:
    """Return a run's validation accuracy with its running averages replaced by plain averages over ``images``.

    The weights stay as they are. What changes tells how far the averages had lagged behind the training
    (Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.1).
    """
    network = load_network(run.model_path)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for count, start in enumerate(range(0, len(images), BATCH)):
        for norm in norms:
            norm.momentum = count / (count + 1)  # makes the running average the mean of all batches so far
        network(images[start : start + BATCH], training=True)
    predicted = predict_probabilities(network, validation.images).argmax(axis=1)
    return float(np.mean(predicted == validation.labels))
