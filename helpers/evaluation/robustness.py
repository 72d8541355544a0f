"""How robust models are to what their training lacked: corruptions, shifted colours, cells of another laboratory.

``images`` are (N, 48, 48, 3) uint8, ``labels`` (N,) integers and ``probabilities`` (N, 8) by model name throughout.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix

from helpers.data import CLASS_NAMES, UNLABELLED, Cells, load_cells
from helpers.errors import InputError
from helpers.evaluation.corruptions import CORRUPTIONS, NEUTRAL_AMOUNTS, SEVERITIES, SHIFTS, corrupt, shift_colours
from helpers.evaluation.scores import Scores, apply_temperature, review_rules, score
from helpers.features import Look
from helpers.files import ROOT
from helpers.notation import percent
from helpers.saved_models import Predictor
from helpers.study import Runs, Study

Predictors = Mapping[str, Predictor]  # by model name


def corrupt_and_score(
    predictors: Predictors, images: np.ndarray, labels: np.ndarray, severities: Sequence[int] = SEVERITIES
) -> pd.DataFrame:
    """Return rows of model, corruption, severity, accuracy, n; severity 0 is "none", the images as they are."""
    names = product(CORRUPTIONS, severities)
    changed = ((name, severity, corrupt(images, name, severity)) for name, severity in names)
    return _score(predictors, chain([("none", 0, images)], changed), labels, "corruption", "severity")


def shift_and_score(predictors: Predictors, images: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Return rows of model, shift, amount, accuracy, n for all of `SHIFTS`."""
    names = ((name, amount) for name, (_, amounts) in SHIFTS.items() for amount in amounts)
    changed = ((name, amount, shift_colours(images, name, amount)) for name, amount in names)
    return _score(predictors, changed, labels, "shift", "amount")


def _score(predictors: Predictors, changed: Iterable[tuple], labels: np.ndarray, *names: str) -> pd.DataFrame:
    """Return a row per model and change: accuracy on images ``changed`` as the first two of three elements say."""
    rows = [
        (model, *change, float(np.mean(predictor(images).argmax(axis=1) == labels)), len(labels))
        for *change, images in changed
        for model, predictor in predictors.items()
    ]
    return pd.DataFrame(rows, columns=["model", *names, "accuracy", "n"])


def worst_small_shift(table: pd.DataFrame) -> pd.DataFrame:
    """Return the smallest shift that costs each model most, from the table of `shift_and_score`.

    The columns are shift, amount, the accuracies ``before`` and ``after`` it, and n. Of each shift, the amounts next to
    the neutral one on either side count as small.
    """
    rows = table.rename(columns={"accuracy": "after"}).sort_values(["model", "shift", "amount"], ignore_index=True)
    neutral = rows.index[rows["amount"] == rows["shift"].map(NEUTRAL_AMOUNTS)]
    before = rows.loc[neutral, "after"].to_numpy()
    small = pd.concat([rows.loc[neutral + step].assign(before=before) for step in (-1, 1)])
    worst = (small["after"] - small["before"]).groupby(small["model"]).idxmin()
    return small.loc[worst[table["model"].unique()]].set_index("model")[["shift", "amount", "before", "after", "n"]]


def summarise_corruptions(table: pd.DataFrame) -> pd.DataFrame:
    """Return how robust each model is to corruptions, best first, from the table of `corrupt_and_score`.

    ``clean`` and ``corrupted`` are (mean) accuracies, ``difference`` is the second less the first, and ``worst`` is the
    corruption under which the mean accuracy over severities, ``under_worst``, is lowest; both NaN where none lowers it.
    """
    accuracy = table[table["severity"] > 0].pivot_table("accuracy", "model", "corruption", sort=False)
    clean = table[table["severity"] == 0].set_index("model")["accuracy"]
    found = pd.DataFrame({"clean": clean, "corrupted": accuracy.mean(axis=1)})
    found["difference"] = found["corrupted"] - found["clean"]
    found["worst"], found["under_worst"] = accuracy.idxmin(axis=1), accuracy.min(axis=1)
    found[["worst", "under_worst"]] = found[["worst", "under_worst"]].where(found["under_worst"] < clean)
    return found.sort_values("corrupted", ascending=False, kind="stable")


def load_external(path: str | Path) -> Cells:
    """Return the cells of a file or folder; InputError where there are no labels. Paths start at the checkout."""
    cells = load_cells(ROOT / Path(path).expanduser())
    if cells.labels is None:
        raise InputError(f"--external {path}: no labels found, expected one per image")
    return cells.labelled()


def score_external(
    study: Study, runs: Runs, answers: dict[str, np.ndarray], temperatures: dict[str, float], labels: np.ndarray
) -> Scores:
    """Return the scores of external cells by model, calibrated, as of `helpers.evaluation.score`, and more.

    ``answers`` are the models' probabilities, not yet calibrated. ``accepted`` is the share of images that the 80 %
    rule of `review_rules` leaves unreviewed; ``accepted_accuracy`` how many of those are right, NaN where there are
    none. ``commonest_class`` is what most labels say, and ``commonest_share`` their share.
    """
    scores, shares = {}, np.bincount(labels) / len(labels)
    commonest = {"commonest_class": CLASS_NAMES[shares.argmax()], "commonest_share": shares.max()}
    for name, seeds in runs.items():
        of_both = seeds[0].validation_probabilities(), answers[name]
        known, new = (apply_temperature(each, temperatures[name]) for each in of_both)
        rule = review_rules(study.validation.labels, known, labels, new).loc["80 %"]
        accepted = {"accepted": 1 - rule["reviewed"], "accepted_accuracy": rule["rest_accuracy"]}
        scores[name] = score(labels, new) | accepted | commonest
    return scores


def with_doubts(external: Cells, look: Look, probabilities: np.ndarray) -> Cells:
    """Return external cells with a warning if they look unfamiliar, and one if a model disagrees with their labels.

    ``probabilities`` (N, 8) are those of the model.
    """
    unfamiliar = 1 - float(look.is_familiar(external.images).mean())
    look_doubt = f"{percent(unfamiliar)} of these images look like no training image." if unfamiliar > 0.05 else ""
    doubts = (look_doubt, doubt_of_labels(np.asarray(external.labels), probabilities))
    return replace(external, warnings=(*external.warnings, *filter(None, doubts)))


def doubt_of_labels(labels: np.ndarray, probabilities: np.ndarray, option: str = "", split: str = "") -> str:
    """Return a sentence where the model disagrees with nearly all labels, or agrees in another order; else "".

    Labels may be `helpers.data.UNLABELLED`, and belong to a ``split``. Another order is named if there is an
    ``option`` of the command that sets it.
    """
    known = labels != UNLABELLED
    if known.sum() < 5:
        return ""
    counts = confusion_matrix(labels[known], probabilities[known].argmax(axis=1), labels=range(8))
    n, agreed = counts.sum(), np.trace(counts) / counts.sum()
    counts = counts[counts.any(axis=1)]
    rows, columns = linear_sum_assignment(counts, maximize=True)
    best = counts[rows, columns].sum() / n
    found = f"The model agrees with {percent(agreed)} of the {split and split + ' '}labels"
    if n >= 20 and best >= agreed + 0.3:
        names = ",".join(CLASS_NAMES[column].replace(" ", "_") for column in columns)
        order = f"another order, which {option} {names} sets" if option else "another order"
        return f"{found}, but would with {percent(best)} if the classes had {order}."
    if agreed < 0.5 and agreed <= counts.sum(axis=1).max() / n:
        return f"{found}, no more than one class for all would reach, so labels and images need a check."
    return ""
