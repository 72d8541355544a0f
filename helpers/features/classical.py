"""Classical learners on hand-crafted features: the original report's forest, and the best one we found.

Both read (N, 48, 48, 3) uint8 images through ``extract_features``, learn from (N,) labels and give class probabilities;
neither holds a neural network.
"""

import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from helpers.cache_keys import code_key
from helpers.data import CLASS_NAMES, SIDE, show_elsewhere
from helpers.errors import refusing
from helpers.features.handcrafted import GROUPS, REPORT_GROUPS, extract_features
from helpers.features.shapes import in_blocks

FOREST_GRID = {"bootstrap": [True, False], "max_features": ["sqrt", 0.3]}
"""Settings of the forest that cross-validation chooses among; scikit-learn's own come first."""

CODE = code_key("features")
"""What a run's key says of the source and the libraries that fit it."""

TRUSTED_TYPES = [
    "helpers.features.classical.LeastMarginSVC",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.tree._tree.Tree",
]
"""What a stored model may hold beyond the types that skops trusts by itself."""


class LeastMarginSVC(SVC):  # type: ignore[misc]
    """A support vector machine whose score of a class is its least margin over any other class, one against one.

    scikit-learn's own scores count the pairs that a class wins: seven for nearly every image.
    """

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return (N, classes) scores of features (N, F); where there are two classes, (N,) margins of the second."""
        count = len(self.classes_)
        margins: np.ndarray = super().decision_function(X)
        if count == 2:
            return margins
        over = np.full((len(margins), count, count), np.inf)
        first, second = np.triu_indices(count, 1)
        over[:, first, second], over[:, second, first] = margins, -margins
        return np.asarray(over.min(axis=2))


@dataclass(frozen=True)
class ClassicalModel:
    """A fitted scikit-learn classifier, the feature groups that it reads, and how its settings were chosen."""

    name: str
    groups: tuple[str, ...]
    estimator: Any
    chosen: dict[str, Any]
    is_levelled: bool = False  # whether it reads features of `level` images


@partial(in_blocks, size=256)
def level(images: np.ndarray) -> np.ndarray:
    """Return uint8 images (N, 48, 48, 3), each channel of each with its 5th percentile at 60 and its 75th at 210.

    So they look alike in bright and dim, white and yellow light. Of overexposed images, the 75th is not yet white.
    """
    low, high = np.percentile(images[:, ::2, ::2], (5, 75), axis=(1, 2))[:, :, None, None]
    stretched = 60 + 150 * (images - low) / np.maximum(high - low, 8)
    return np.asarray(np.rint(np.clip(stretched, 0, 255)), np.uint8)


def stratified_folds(labels: np.ndarray, seed: int) -> StratifiedKFold:
    """Return three shuffled folds that each hold every class; two where a class has two images, the fewest allowed."""
    return StratifiedKFold(min(3, np.unique(labels, return_counts=True)[1].min()), shuffle=True, random_state=seed)


def fit_forest(images: np.ndarray, labels: np.ndarray, *, seed: int, jobs: int = -1) -> ClassicalModel:
    """Return the original report's recipe: 100 trees on its four feature groups, tuned by 3-fold cross-validation.

    Breiman 2001, doi:10.1023/A:1010933404324.
    """
    folds = stratified_folds(labels, seed)
    features = extract_features(images, REPORT_GROUPS, jobs=jobs).to_numpy()
    # One thread per forest adds up the trees' votes in the same order every time; the search uses the cores.
    trees = RandomForestClassifier(n_estimators=100, random_state=seed, n_jobs=1)
    search = GridSearchCV(trees, FOREST_GRID, cv=folds, n_jobs=jobs).fit(features, labels)
    accuracies = search.cv_results_["mean_test_score"]
    chosen = search.best_params_ | {
        "cross_validated_accuracy": float(accuracies.max()),
        "cross_validated_accuracy_untuned": float(accuracies[0]),
    }
    return ClassicalModel("forest", tuple(REPORT_GROUPS), search.best_estimator_, chosen)


def fit_handcrafted_best(images: np.ndarray, labels: np.ndarray, *, seed: int, jobs: int = -1) -> ClassicalModel:
    """Return a support vector machine on all feature groups of `level` images, with calibrated probabilities.

    Beside the images themselves it learns from half of them shown as by another laboratory, and from a quarter of them
    in light that is 20 % dimmer to 25 % brighter.
    The square root evens out shares of pixels, most of which are near 0. C and gamma were chosen on development images
    of the original source. Cortes & Vapnik 1995, doi:10.1007/BF00994018. Probabilities are decision values divided
    by a temperature that 3-fold cross-validation sets (Guo et al. 2017, arXiv:1706.04599).
    """
    generator = np.random.default_rng(seed)
    half, quarter, _ = np.split(generator.permutation(count := len(images)), [(count + 1) // 2, (3 * count + 3) // 4])
    elsewhere = in_blocks(lambda block: show_elsewhere(block, 1.0, generator), 256)(images[half])
    lit = np.rint(np.minimum(images[quarter] * generator.uniform(0.8, 1.25, (len(quarter), 1, 1, 1)), 255))
    images = np.concatenate([images, elsewhere, lit.astype(np.uint8)])
    labels = np.concatenate([labels, labels[half], labels[quarter]])
    folds = stratified_folds(labels, seed)
    features = extract_features(level(images), GROUPS, jobs=jobs).to_numpy()
    settings = {"C": 10.0, "gamma": 0.6 / features.shape[1]}
    machine = LeastMarginSVC(**settings, cache_size=1000, decision_function_shape="ovo")
    steps = make_pipeline(FunctionTransformer(np.sqrt), StandardScaler(), machine)
    calibrated = CalibratedClassifierCV(steps, method="temperature", cv=folds, ensemble=False, n_jobs=jobs)
    # scikit-learn takes labels for columns of the decision values, which they are not where a class is absent
    present, columns = np.unique(labels, return_inverse=True)
    calibrated.fit(features, columns)
    calibrated.classes_ = present
    calibrated.set_params(n_jobs=1, cv=None)
    settings["features"] = features.shape[1]
    return ClassicalModel("handcrafted_best", tuple(GROUPS), calibrated, settings, is_levelled=True)


def predict_probabilities(model: ClassicalModel, images: np.ndarray) -> np.ndarray:
    """Return (N, 8) float64 class probabilities of uint8 images; a class never seen in training gets 0."""
    probabilities = np.zeros((len(images), len(CLASS_NAMES)))
    features = extract_features(level(images) if model.is_levelled else images, model.groups).to_numpy()
    probabilities[:, model.estimator.classes_] = model.estimator.predict_proba(features)
    return probabilities


def save_classical(model: ClassicalModel, path: Path) -> None:
    """Write the model to ``path`` (.skops: a zip of JSON and .npy, no pickle)."""
    skops.io.dump(vars(model), path, compression=zipfile.ZIP_DEFLATED)


def load_classical(path: Path) -> ClassicalModel:
    """Return the model stored at ``path``; only types that ``save_classical`` writes are ever built.

    InputError where the file cannot be read or is not such a model.
    """
    with refusing(path, "a classical model of this project"):
        model = ClassicalModel(**skops.io.load(path, trusted=TRUSTED_TYPES))
        if not isinstance(model.estimator, RandomForestClassifier | CalibratedClassifierCV):
            raise ValueError(f"a {type(model.estimator).__name__} found")
        if not _stays_inside(model.estimator):
            raise ValueError("an index that points outside the model found")
        # whatever else does not fit together shows in use
        predict_probabilities(model, np.zeros((1, SIDE, SIDE, 3), np.uint8))
    return model


def _stays_inside(estimator: Any) -> bool:
    """Return whether the indices and sizes that scikit-learn does not check are sound: others crash the process."""
    for tree in (member.tree_ for member in getattr(estimator, "estimators_", [])):
        if tree.node_count != tree.capacity:  # more nodes than are stored
            return False
        inner = np.flatnonzero(tree.children_left != -1)
        children = np.stack([tree.children_left, tree.children_right])[:, inner]
        leads_on = (children > inner) & (children < tree.node_count)
        is_read = (tree.feature[inner] >= 0) & (tree.feature[inner] < estimator.n_features_in_)
        if not (leads_on & is_read).all():
            return False
    for machine in (member.estimator[-1] for member in getattr(estimator, "calibrated_classifiers_", [])):
        counts, vectors, pairs = machine._n_support, len(machine.support_), len(machine._intercept_)
        shapes = (*machine._dual_coef_.shape, len(machine.support_vectors_), pairs)
        expected = (len(counts) - 1, vectors, vectors, len(counts) * (len(counts) - 1) // 2)
        if shapes != expected or counts.min() < 0:
            return False
    return True
