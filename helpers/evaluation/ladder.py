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


def _variance_over_seeds(correct: np.ndarray) -> float:
    """Return the variance that the choice of seeds adds to the mean accuracy of (seeds, N) answers, 0 for one seed.

    What seeds differ by because they err on different images is not counted (Owen 2007, doi:10.1214/07-AOAS122).
    """
    seeds, images = correct.shape
    if seeds < 2:
        return 0.0
    accuracies = correct.mean(axis=1)
    apart = correct - correct.mean(axis=0) - accuracies[:, None] + accuracies.mean()
    by_chance = np.sum(apart**2) / ((seeds - 1) * (images - 1)) / images
    return max(0.0, float((accuracies.var(ddof=1) - by_chance) / seeds))


def _half_interval(correct: np.ndarray, *before: np.ndarray) -> float:
    """Return half the 95 % interval of a mean accuracy, or of its gain over that ``before``, both (seeds, N) answers.

    It covers other images, paired where there are two models, and other seeds. Few seeds estimate their own spread
    poorly, which Student's t makes up for.
    """
    models = (correct, *before)
    by_image = correct.mean(axis=0) - sum(model.mean(axis=0) for model in before)
    freedom = sum(len(model) - 1 for model in models)
    by_seed = stats.t.ppf(0.975, freedom) * np.sqrt(sum(map(_variance_over_seeds, models))) if freedom else 0.0
    return float(np.hypot(1.96 * stats.sem(by_image), by_seed))


def mean_with_interval(correct: np.ndarray, name: str) -> dict[str, float]:
    """Return the mean accuracy of (seeds, N) answers as ``name``, and its 95 % interval as NAME_low and NAME_high.

    The interval covers Wilson's, which is there for a network without errors, too. Answers may be shares in [0, 1].
    """
    accuracy, half, count = float(correct.mean()), _half_interval(correct), correct.shape[1]
    low, high = accuracy_interval(accuracy * count, count)
    low, high = max(0.0, min(low, accuracy - half)), min(1.0, max(high, accuracy + half))
    return {name: accuracy, f"{name}_low": low, f"{name}_high": high}


def ladder_table(runs: Runs, ladder: dict[str, Step], labels: np.ndarray) -> pd.DataFrame:
    """Return one row per step: change, validation accuracy and gain with 95 % intervals, cost.

    The columns: change, is_kept, of_report (one of the original report's networks or changes), accuracy, accuracy_low,
    accuracy_high, seed_sd (NaN with one seed), gain over the last step before it that was kept, gain_low, gain_high
    (NaN in the first row), seeds, parameters, epochs, seconds (mean over the seeds).
    """
    rows, before = {}, np.full((1, len(labels)), np.nan)  # the first step gains on none
    for name, step in ladder.items():
        answers = np.stack([run.validation_probabilities().argmax(axis=1) == labels for run in runs[name]])
        by_seed, records = answers.mean(axis=1), [run.record for run in runs[name]]
        gain, further = answers.mean() - before.mean(), _half_interval(answers, before)
        rows[name] = {
            "change": step.change,
            "is_kept": step.is_kept,
            "of_report": name in ("lenet_classic", *CHANGES),
            **mean_with_interval(answers, "accuracy"),
            "seed_sd": pd.Series(by_seed).std(),
            "gain": gain,
            "gain_low": gain - further,
            "gain_high": gain + further,
            "seeds": len(by_seed),
            "parameters": records[0]["params"],
            "epochs": records[0]["epochs_run"],
            "seconds": np.mean([record["train_seconds"] for record in records]),
        }
        before = answers if step.is_kept else before
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("step")


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
    return float(np.mean(predict_probabilities(network, validation.images).argmax(axis=1) == validation.labels))
