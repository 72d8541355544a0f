"""Cells of other laboratories: which methods help, and what a few labels from there are worth.

A method is chosen by validation images as six simulated laboratories would show them, and by a real one, the
development laboratory: its images may be looked at while choosing, so its figures are no test.
"""

from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from helpers import saved_models
from helpers.data import CLASS_NAMES, FORMS, Cells, flip_and_turn
from helpers.errors import InputError, refused
from helpers.evaluation.corruptions import LABORATORIES
from helpers.evaluation.explanations import last_inputs
from helpers.evaluation.ladder import mean_with_interval
from helpers.files import written_atomically
from helpers.networks import Run, keras
from helpers.notation import counted
from helpers.recipes import METHODS
from helpers.study import Study

LABELS_PER_CLASS = (0, 1, 5, 10, 50)
"""How many labelled images of each class a new laboratory gives in `adaptation_curve`."""

PULL = 10.0  # how strongly a refitted head is drawn to the trained one; chosen on the development laboratory


def _balanced(right: np.ndarray, labels: Any) -> float:
    """Return the mean over classes of the shares of (N,) answers that are right."""
    return float(pd.Series(right).groupby(labels).mean().mean())


def predict_views(predict: saved_models.Predictor, images: np.ndarray) -> np.ndarray:
    """Return (N, 8) probabilities that ``predict`` gives on average for the eight forms of each image."""
    forms = (np.full(len(images), form) for form in range(FORMS))
    return np.asarray(np.mean([predict(flip_and_turn(images, form)) for form in forms], axis=0))


def compare_methods(study: Study, external: Cells | None) -> pd.DataFrame:
    """Return a row per method that the profile trains, then the network in use: how it does at home and elsewhere.

    The index is the method in words. The columns are the accuracies ``own`` (validation images), with ``external``
    cells ``development`` (then ``development_balanced``), and ``simulated`` (a sample of the validation images in
    `LABORATORIES`), each with a 95 % interval over images and seeds (``_low``, ``_high``), then seeds and epochs.
    """
    images, labels = study.validation.images, study.validation.labels
    sample = np.sort(np.random.default_rng(0).permutation(len(labels))[: study.profile.corrupted_validation_images])
    seen = np.concatenate([laboratory.show(images[sample]) for laboratory in LABORATORIES])
    methods = {name: words for name, (words, _) in METHODS.items() if name in study.profile.trainings}
    trained = study.load_or_train(*methods, "cellnet")
    rows: dict[str, dict[str, float]] = {}
    for name, words in (methods | {"cellnet": "cellnet", "views": "cellnet, eight views averaged"}).items():
        runs = trained["cellnet" if name == "views" else name]
        predictors = [saved_models.load_predictor(run.model_path) for run in runs]
        if name == "views":
            predictors = [partial(predict_views, predict) for predict in predictors]

        def is_right(shown: np.ndarray, labels: Any, predictors: Any = predictors) -> np.ndarray:
            return np.stack([predict(shown).argmax(axis=1) == labels for predict in predictors])

        right = {"own": is_right(images, labels)}
        if external is not None:
            right["development"] = is_right(external.images, external.labels)
        simulated = is_right(seen, np.tile(labels[sample], len(LABORATORIES)))
        right["simulated"] = simulated.reshape(len(runs), len(LABORATORIES), -1).mean(axis=1)
        rows[words] = {}
        for place, answers in right.items():
            rows[words] |= mean_with_interval(answers, place)
            if external is not None and place == "development":
                rows[words]["development_balanced"] = _balanced(answers.mean(axis=0), external.labels)
        rows[words] |= {"seeds": len(runs), "epochs": runs[0].record["epochs_run"]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def _head_of(network: Any, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what enters a network's last layer, (N, D + 1) with a column of ones, and its weights (D + 1, 8)."""
    given = np.column_stack([last_inputs(network, images), np.ones(len(images))])
    return given.astype(np.float64), np.vstack(network.layers[-1].get_weights()).astype(np.float64)


def _fit_head(given: np.ndarray, labels: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the weights (D + 1, 8) that minimise the summed cross-entropy of (N, D + 1) inputs and a pull.

    The pull is `PULL` / 2 times the squared distance from the weights at the ``start``.
    """
    wanted = np.eye(len(CLASS_NAMES))[labels]

    def loss_and_slope(step: np.ndarray) -> tuple[float, np.ndarray]:
        change = step.reshape(start.shape)
        logs = special.log_softmax(given @ (start + change), axis=1)
        slope = given.T @ (np.exp(logs) - wanted) + PULL * change
        return float(-np.sum(wanted * logs) + PULL / 2 * np.sum(change**2)), slope.ravel()

    found = optimize.minimize(loss_and_slope, np.zeros(start.size), jac=True, method="L-BFGS-B")
    return np.asarray(start + found.x.reshape(start.shape))


def adapt(model: Path, cells: Cells) -> Path:
    """Write a saved network with its last layer refitted to labelled cells beside it, and return the new file's path.

    The original stays as it is, and so do all other weights. InputError if ``model`` is no .keras network that ends in
    a dense softmax, or the cells have no labels.
    """
    if cells.labels is None:
        raise InputError("--adapt: no labels found, expected one per image")
    if model.suffix != ".keras":
        raise refused(model, "its last layer cannot be fitted again, expected a .keras network")
    known, network, background = cells.labelled(), saved_models.load_network(model), saved_models.read_background(model)
    last = network.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is not keras.activations.softmax:
        raise refused(model, "its last layer cannot be fitted again, expected a dense layer with a softmax")
    adapted = model.with_name(f"{model.stem}-adapted.keras")
    with written_atomically(adapted) as temporary:
        given, start = _head_of(network, known.images)
        weights = _fit_head(given, np.asarray(known.labels), start)
        last.set_weights([weights[:-1], weights[-1]])
        network.save(temporary)
        if background is not None:
            codes = np.union1d(background.codes, saved_models.image_codes(known.images))
            source = f"{background.source}, its last layer then on {counted(len(known), 'image')} from {known.source}"
            refitted = replace(background, temperature=1.0, source=source, codes=codes, measured="")
            saved_models.write_background(temporary, refitted)
    return adapted


def adaptation_curve(run: Run, cells: Cells, draws: int = 20) -> pd.DataFrame:
    """Return a row per number of labels per class: how a run's refitted network does on the images not drawn.

    Of a class with few images at most half are drawn. The columns are labels (used on average), accuracy and
    balanced_accuracy (means over ``draws`` random draws), and ``_low`` and ``_high`` of both (2.5th and 97.5th
    percentiles of the draws). The index is the number of labels per class.
    """
    labels, rows = np.asarray(cells.labels), []
    inputs, start = _head_of(saved_models.load_network(run.model_path), cells.images)
    for count, draw in product(LABELS_PER_CLASS, range(draws)):
        order = np.random.default_rng(draw).permutation(len(labels))
        groups = [order[labels[order] == each] for each in np.unique(labels)]
        given = np.concatenate([group[: min(count, len(group) // 2)] for group in groups])
        rest = np.setdiff1d(order, given)
        weights = _fit_head(inputs[given], labels[given], start) if count else start
        right = (inputs[rest] @ weights).argmax(axis=1) == labels[rest]
        rows.append((count, len(given), right.mean(), _balanced(right, labels[rest])))
    names = ["labels per class", "labels", "accuracy", "balanced_accuracy"]
    by_count = pd.DataFrame(rows, columns=names).groupby(names[0])
    low, high = (by_count[names[2:]].quantile(share) for share in (0.025, 0.975))
    return pd.concat([by_count.mean(), low.add_suffix("_low"), high.add_suffix("_high")], axis=1)
