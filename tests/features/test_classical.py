"""Classical models learn, survive rare and absent classes, and come back from their files unchanged or not at all."""

import os
import zipfile
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from helpers.data.cells import Cells
from helpers.data.constants import CLASS_NAMES
from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.features.classical import (
    ClassicalModel,
    LeastMarginSVC,
    fit_forest,
    fit_handcrafted_best,
    level,
    load_classical,
    predict_probabilities,
    save_classical,
)

FITS = {"forest": fit_forest, "handcrafted_best": fit_handcrafted_best}


@pytest.fixture(scope="module")
def cells() -> Cells:
    return draw_cells(160, seed=0)


@pytest.fixture(scope="module")
def models(cells: Cells) -> dict[str, ClassicalModel]:
    return {name: fit(cells.images, cells.labels, seed=0, jobs=1) for name, fit in FITS.items()}


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_scores_its_least_margin_over_machines_that_know_only_two(classes: int) -> None:
    features, labels = load_iris(return_X_y=True)
    features, labels = features[labels < classes], labels[labels < classes]
    machine = LeastMarginSVC(decision_function_shape="ovo", gamma=0.5).fit(features, labels)
    expected = np.full((len(features), classes), np.inf)
    for a, b in permutations(range(classes), 2):
        both = np.isin(labels, (a, b))
        margin = SVC(gamma=0.5).fit(features[both], labels[both] == a).decision_function(features)
        expected[:, a] = np.minimum(expected[:, a], margin)
    scores = machine.decision_function(features)
    np.testing.assert_allclose(scores, expected[:, 1] if classes == 2 else expected, atol=5e-3)


def test_levelled_images_look_alike_in_any_light() -> None:
    images = draw_cells(20, seed=3).images
    found = level(images)
    low, high = np.percentile(found[:, ::2, ::2], (5, 75), axis=(1, 2))
    np.testing.assert_allclose(low, 60, atol=1)
    np.testing.assert_allclose(high, 210, atol=1)
    dimmer = np.rint(images * [0.9, 0.8, 0.6]).astype(np.uint8)
    assert np.abs(level(dimmer).astype(int) - found).mean() < 2  # grey levels, from rounding


def test_the_support_vector_machine_holds_in_other_light_and_the_forest_does_not(models, cells: Cells) -> None:
    dimmer = np.rint(cells.images * 0.85).astype(np.uint8)
    kept = {
        name: np.mean(predict_probabilities(model, dimmer).argmax(axis=1) == cells.labels)
        for name, model in models.items()
    }
    assert kept["handcrafted_best"] > 0.9 > kept["forest"] + 0.1


@pytest.mark.parametrize("name", FITS)
def test_models_recognise_cells_they_have_not_seen(name: str, models: dict[str, ClassicalModel]) -> None:
    unseen = draw_cells(120, seed=9)
    probabilities = predict_probabilities(models[name], unseen.images)
    assert probabilities.shape == (120, len(CLASS_NAMES))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities >= 0).all()
    assert (probabilities.argmax(axis=1) == unseen.labels).mean() > 0.7


@pytest.mark.parametrize("name", FITS)
def test_a_stored_model_scores_identically(
    name: str, models: dict[str, ClassicalModel], cells: Cells, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.skops"
    save_classical(models[name], path)
    loaded = load_classical(path)
    assert (loaded.name, loaded.groups, loaded.chosen) == (name, models[name].groups, models[name].chosen)
    before, after = (predict_probabilities(model, cells.images) for model in (models[name], loaded))
    np.testing.assert_array_equal(before, after)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", FITS)
def test_the_same_seed_gives_the_same_model(name: str, models: dict[str, ClassicalModel], cells: Cells) -> None:
    again = FITS[name](cells.images, cells.labels, seed=0, jobs=2)
    np.testing.assert_array_equal(
        predict_probabilities(again, cells.images), predict_probabilities(models[name], cells.images)
    )


@pytest.mark.parametrize("name", FITS)
def test_absent_classes_get_probability_zero_and_rare_ones_do_no_harm(name: str, cells: Cells) -> None:
    members = [np.flatnonzero(cells.labels == label)[:count] for label, count in ((1, 12), (3, 2), (6, 12))]
    chosen = np.concatenate(members)
    model = FITS[name](cells.images[chosen], cells.labels[chosen], seed=0, jobs=1)
    probabilities = predict_probabilities(model, cells.images[:20])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert not probabilities[:, [0, 2, 4, 5, 7]].any()
    # what the classes are called changes nothing
    renamed = FITS[name](cells.images[chosen], np.repeat([0, 1, 2], [12, 2, 12]), seed=0, jobs=1)
    np.testing.assert_array_equal(probabilities[:, [1, 3, 6]], predict_probabilities(renamed, cells.images[:20])[:, :3])


def refusal(path: Path) -> str:
    """Return the one line with which ``path`` is refused."""
    with pytest.raises(InputError) as caught:
        load_classical(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "absent.skops")


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.skops"
    text.write_text("not a zip")
    empty_zip = tmp_path / "empty.skops"
    zipfile.ZipFile(empty_zip, "w").close()
    stranger = tmp_path / "stranger.skops"
    skops.io.dump(LogisticRegression(), stranger)
    for path in (text, empty_zip, stranger):
        assert "not a classical model of this project" in refusal(path)


def test_types_that_we_never_store_are_not_built(tmp_path: Path) -> None:
    path = tmp_path / "harmful.skops"
    skops.io.dump({"name": "forest", "groups": [], "estimator": os.system, "chosen": {}}, path)
    assert "system" in refusal(path)


def test_a_truncated_file_is_refused(models: dict[str, ClassicalModel], tmp_path: Path) -> None:
    path = tmp_path / "forest.skops"
    save_classical(models["forest"], path)
    path.write_bytes(path.read_bytes()[:-2000])
    refusal(path)


@pytest.mark.parametrize(
    ("field", "index"), [("left_child", 10**6), ("left_child", -2), ("right_child", 0), ("feature", 10**6)]
)
def test_a_tree_that_points_outside_itself_is_refused(
    field: str, index: int, models: dict[str, ClassicalModel], tmp_path: Path
) -> None:
    path = tmp_path / "forest.skops"
    save_classical(models["forest"], path)
    loaded = load_classical(path)
    tree = loaded.estimator.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = index
    tree.__setstate__(state)
    save_classical(loaded, path)
    assert "points outside the model" in refusal(path)


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("support_", lambda indices: indices[:1]),
        ("kernel", lambda _: "precomputed"),
        ("_n_support", lambda counts: counts[::-1] * [0, *[1] * (len(counts) - 1)]),
        ("_dual_coef_", lambda coefficients: coefficients[:, :1]),
        ("_intercept_", lambda intercepts: intercepts[:1]),
    ],
)
def test_a_support_vector_machine_whose_parts_do_not_fit_is_refused(
    part: str, broken: Callable[[np.ndarray], np.ndarray], models: dict[str, ClassicalModel], tmp_path: Path
) -> None:
    path = tmp_path / "handcrafted_best.skops"
    save_classical(models["handcrafted_best"], path)
    loaded = load_classical(path)
    machine = loaded.estimator.calibrated_classifiers_[0].estimator[-1]
    setattr(machine, part, broken(getattr(machine, part)))
    save_classical(loaded, path)
    refusal(path)


def test_a_tree_that_claims_more_nodes_than_it_has_is_refused(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forest = fit_forest(cells.images, cells.labels, seed=0, jobs=1)
    tree = forest.estimator.estimators_[0].tree_
    tree.__setstate__(tree.__getstate__() | {"node_count": tree.node_count + 10**6})
    # to store it would crash the process
    monkeypatch.setattr(skops.io, "load", lambda path, trusted: vars(forest))
    assert "points outside the model" in refusal(tmp_path / "forest.skops")


def test_a_model_of_other_features_is_refused(models: dict[str, ClassicalModel], tmp_path: Path) -> None:
    path = tmp_path / "forest.skops"
    forest = models["forest"]
    save_classical(ClassicalModel("forest", ("lbp",), forest.estimator, forest.chosen), path)
    assert "X has 10 features, but RandomForestClassifier is expecting 62 features" in refusal(path)
