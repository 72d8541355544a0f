"""Classical learners on hand-crafted features: the report's forest and the best one we found."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from helpers.cells import CLASS_NAMES, InputError
from helpers.features import REPORT_GROUPS, extract_features
from helpers.storage import written_atomically

FOREST_GRID = {"max_features": ["sqrt", 0.3], "min_samples_leaf": [1, 3]}
"""Settings of the forest that cross-validation chooses among."""


@dataclass(frozen=True)
class ClassicalModel:
    """A fitted classifier and the feature groups it reads.

    Parameters
    ----------
    name : "forest" or "handcrafted_best"
    groups : feature groups, as ``extract_features`` takes them
    estimator : fitted scikit-learn classifier with ``predict_proba``
    chosen : the settings that cross-validation chose
    """

    name: str
    groups: tuple[str, ...]
    estimator: Any
    chosen: dict[str, Any]


def cross_validation_folds(labels: np.ndarray, folds: int, seed: int) -> StratifiedKFold:
    """Return shuffled stratified folds, fewer where the rarest class is smaller than ``folds``."""
    rarest = int(np.unique(labels, return_counts=True)[1].min())
    return StratifiedKFold(max(2, min(folds, rarest)), shuffle=True, random_state=seed)


def fit_forest(images: np.ndarray, labels: np.ndarray, *, seed: int, jobs: int = -1) -> ClassicalModel:
    """Return the report's recipe: 100 trees on its four feature groups, tuned by 3-fold cross-validation.

    Breiman 2001, doi:10.1023/A:1010933404324.
    """
    features = extract_features(images, REPORT_GROUPS, jobs=jobs)
    search = GridSearchCV(
        RandomForestClassifier(n_estimators=100, random_state=seed, n_jobs=jobs),
        FOREST_GRID,
        cv=cross_validation_folds(labels, 3, seed),
    )
    search.fit(features.to_numpy(), labels)
    return ClassicalModel("forest", REPORT_GROUPS, search.best_estimator_, dict(search.best_params_))


def fit_handcrafted_best(
    images: np.ndarray, labels: np.ndarray, *, seed: int, jobs: int = -1
) -> ClassicalModel:
    """Return the best classical learner (placeholder: the forest, until the search is done)."""
    forest = fit_forest(images, labels, seed=seed, jobs=jobs)
    return ClassicalModel("handcrafted_best", forest.groups, forest.estimator, forest.chosen)


def predict_probabilities(model: ClassicalModel, images: np.ndarray, *, jobs: int = -1) -> np.ndarray:
    """Return (N, 8) float64 class probabilities of uint8 images; classes never seen in training get 0."""
    features = extract_features(images, model.groups, jobs=jobs)
    probabilities = np.zeros((len(images), len(CLASS_NAMES)))
    probabilities[:, model.estimator.classes_.astype(int)] = model.estimator.predict_proba(
        features.to_numpy()
    )
    return probabilities


def save_classical(model: ClassicalModel, path: Path) -> None:
    """Write the model to ``path`` (.skops, a zip of JSON and .npy; no pickle), atomically."""
    content = {
        "name": model.name,
        "groups": list(model.groups),
        "estimator": model.estimator,
        "chosen": model.chosen,
    }
    with written_atomically(path) as temporary:
        skops.io.dump(content, temporary, compression=zipfile.ZIP_DEFLATED, compresslevel=6)


def load_classical(path: Path) -> ClassicalModel:
    """Return the model stored at ``path``; InputError where the file is not one that ``save_classical`` wrote."""
    try:
        content = skops.io.load(path, trusted=["sklearn.tree._tree.Tree"])
        return ClassicalModel(
            content["name"], tuple(content["groups"]), content["estimator"], content["chosen"]
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), expected a .skops model") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: not a classical model of ours ({reason}), expected a .skops file"
        ) from error
