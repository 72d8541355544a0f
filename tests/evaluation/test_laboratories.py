"""Simulated laboratories show the same cells otherwise, and a head refitted to labels is what its definition says."""

import numpy as np
import pytest
from scipy.special import softmax

from helpers.data.cells import UNLABELLED, Cells
from helpers.data.split import split_cells
from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.evaluation import laboratories
from helpers.evaluation.corruptions import LABORATORIES
from helpers.features.look import fit_look
from helpers.networks import Run, build, keras, predict_probabilities
from helpers.saved_models import Background, image_codes, read_background, write_background
from helpers.study import Study

CELLS = draw_cells(160, seed=4)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build("cellnet")


@pytest.fixture
def saved(network, tmp_path):
    path = tmp_path / "cellnet.keras"
    network.save(path)
    codes = image_codes(CELLS.images[:3])
    look = fit_look(CELLS.images[:120], CELLS.images[120:])
    write_background(path, Background(1.7, "synthetic images", True, np.sort(codes), look))
    return path


def test_each_laboratory_shows_the_same_cells_in_another_way_and_always_in_the_same() -> None:
    images = CELLS.images[:6]
    shown = [laboratory.show(images) for laboratory in LABORATORIES]
    for each, laboratory in zip(shown, LABORATORIES, strict=True):
        assert (each.dtype, each.shape) == (np.uint8, images.shape)
        np.testing.assert_array_equal(each, laboratory.show(images))
        np.testing.assert_array_equal(each[2:4], laboratory.show(images[2:4]))
    distances = [np.abs(a.astype(int) - b).mean() for a in [images, *shown] for b in shown if a is not b]
    assert min(distances) > 5  # grey levels


def test_a_magnified_cell_is_larger_by_that_factor() -> None:
    rows, columns = np.mgrid[:48, :48] - 23.5
    disc = np.where(np.hypot(rows, columns) < 10, 90, 230).astype(np.uint8)[None, :, :, None].repeat(3, axis=3)
    for laboratory in LABORATORIES:
        seen = laboratory.show(disc)[0].mean(axis=2)
        area = (seen < (seen.min() + seen.max()) / 2).sum()
        assert np.sqrt(area / np.pi) == pytest.approx(10 * laboratory.magnification, abs=0.8)


def test_eight_views_are_the_same_for_a_turned_image(network) -> None:
    ask = lambda images: predict_probabilities(network, images)  # noqa: E731
    images = CELLS.images[:5]
    turned = np.ascontiguousarray(np.rot90(images, axes=(1, 2))[:, :, ::-1])
    found = laboratories.predict_views(ask, images)
    np.testing.assert_allclose(laboratories.predict_views(ask, turned), found, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_a_sequential_network_from_a_file_has_a_curve_too(tmp_path) -> None:
    build("lenet_classic").save(tmp_path / "lenet.keras")
    curve = laboratories.adaptation_curve(Run(tmp_path, {"model_file": "lenet.keras"}), CELLS, draws=1)
    assert curve["accuracy"].between(0, 1).all()


def test_the_curve_starts_at_the_network_itself_and_uses_at_most_half_of_a_class(network, saved) -> None:
    curve = laboratories.adaptation_curve(Run(saved.parent, {"model_file": saved.name}), CELLS, draws=2)
    right = predict_probabilities(network, CELLS.images).argmax(axis=1) == CELLS.labels
    assert curve.loc[0, "accuracy"] == curve.loc[0, "accuracy_low"] == pytest.approx(right.mean())
    assert curve.loc[0, "balanced_accuracy"] == pytest.approx(
        np.mean([right[CELLS.labels == label].mean() for label in range(8)])
    )
    assert curve["labels"].tolist() == [0, 8, 40, *curve["labels"].iloc[3:]]
    assert curve.loc[50, "labels"] == sum(count // 2 for count in np.bincount(CELLS.labels))


def test_an_adapted_model_is_a_file_of_its_own_whose_head_is_where_the_slope_of_its_loss_is_zero(
    saved, network
) -> None:
    before = saved.read_bytes()
    labels = CELLS.labels.copy()
    labels[40:] = UNLABELLED
    adapted = laboratories.adapt(saved, Cells(CELLS.images, labels, source="cells of mine"))
    assert adapted == saved.with_name("cellnet-adapted.keras")
    assert saved.read_bytes() == before
    found = keras.models.load_model(adapted)
    for old, new in zip(network.get_weights()[:-2], found.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(new, old)
    inputs = keras.Model(network.input, network.layers[-1].input).predict_on_batch(CELLS.images[:40])
    given = np.column_stack([inputs, np.ones(40)])
    start, end = (np.vstack(each.layers[-1].get_weights()) for each in (network, found))
    slope = given.T @ (softmax(given @ end, axis=1) - np.eye(8)[labels[:40]]) + laboratories.PULL * (end - start)
    assert np.abs(slope).max() < 0.01
    assert np.abs(end - start).max() > 0.05
    known = read_background(adapted)
    assert known.temperature == 1
    assert known.source == "synthetic images, its last layer then on 40 images from cells of mine"
    assert set(known.codes) == set(image_codes(CELLS.images[:40]))


def test_what_cannot_be_adapted_is_refused(saved, tmp_path) -> None:
    with pytest.raises(InputError, match="no labels found"):
        laboratories.adapt(saved, Cells(CELLS.images, None, source="cells"))
    with pytest.raises(InputError, match=r"expected a \.keras network"):
        laboratories.adapt(tmp_path / "forest.skops", CELLS)
    image = keras.Input((48, 48, 3))
    keras.Model(image, keras.layers.Dense(8)(keras.layers.Flatten()(image))).save(tmp_path / "logits.keras")
    with pytest.raises(InputError, match="expected a dense layer with a softmax"):
        laboratories.adapt(tmp_path / "logits.keras", CELLS)


def test_methods_are_compared_at_home_and_elsewhere(network, saved, tmp_path, monkeypatch) -> None:
    study = Study(CELLS, split_cells(CELLS), "smoke", tmp_path)
    run = Run(saved.parent, {"model_file": saved.name, "epochs_run": 3})
    monkeypatch.setattr(Study, "load_or_train", lambda self, *names: {name: [run, run] for name in names})
    elsewhere = draw_cells(24, seed=8)
    table = laboratories.compare_methods(study, elsewhere)
    assert table.index[-2:].tolist() == ["cellnet", "cellnet, eight views averaged"]
    row = table.loc["cellnet"]
    right = predict_probabilities(network, elsewhere.images).argmax(axis=1) == elsewhere.labels
    assert row["development"] == pytest.approx(right.mean())
    assert row["development_low"] < row["development"] < row["development_high"]
    assert (row["seeds"], row["epochs"]) == (2, 3)
    assert not any(name.startswith("development") for name in laboratories.compare_methods(study, None))
