"""Trainings give the same digits twice, are reused while nothing changes, and are never half there."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from helpers.data.split import Part
from helpers.evaluation.ladder import find_undertrained
from helpers.networks import training
from helpers.networks.architectures import with_fused_batch_norm
from helpers.networks.backend import keras
from helpers.networks.runs import Run, finished_run, read_run
from helpers.networks.training import train
from helpers.recipes import Recipe
from helpers.saved_models import load_predictor


def make_part(count: int, seed: int) -> Part:
    """Return two kinds of image that differ in brightness."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(count) % 2).astype(np.uint8)
    images = generator.integers(0, 120, (count, 48, 48, 3)) + 80 * labels[:, None, None, None]
    return Part(images.astype(np.uint8), labels)


TRAIN, VALIDATION = make_part(96, 0), make_part(32, 1)
RECIPE = Recipe("small", "lenet_classic", epochs=2, batch_size=16, flips_and_turns=True, shown_elsewhere=0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(RECIPE, 0, TRAIN, VALIDATION, tmp_path_factory.mktemp("runs in {braces}"))


def test_two_trainings_give_the_same_digits(run, tmp_path) -> None:
    again = train(RECIPE, 0, TRAIN, VALIDATION, tmp_path)
    np.testing.assert_array_equal(run.validation_probabilities(), again.validation_probabilities())
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert run.history()[columns].equals(again.history()[columns])


def test_another_seed_gives_other_digits(run, tmp_path) -> None:
    other = train(RECIPE, 1, TRAIN, VALIDATION, tmp_path)
    assert not np.array_equal(run.validation_probabilities(), other.validation_probabilities())


def test_the_saved_model_gives_the_probabilities_that_were_kept(run) -> None:
    kept = run.validation_probabilities()
    np.testing.assert_array_equal(load_predictor(run.model_path)(VALIDATION.images), kept)
    assert run.record["val_accuracy"] == np.mean(kept.argmax(axis=1) == VALIDATION.labels)


def test_it_learns(run) -> None:
    assert run.record["val_accuracy"] > 0.9


def test_a_finished_run_is_read_and_not_trained_again(run, monkeypatch) -> None:
    monkeypatch.setattr(training, "fit", None)
    again = train(RECIPE, 0, TRAIN, VALIDATION, run.folder.parent)
    assert again.folder == run.folder
    assert again.record == read_run(run.folder).record


@pytest.mark.parametrize("constant", ["CODE", "THREADS"])
def test_other_source_packages_or_threads_are_another_run(constant, monkeypatch) -> None:
    key = training.run_name(RECIPE, 0, TRAIN, VALIDATION)
    monkeypatch.setattr(training, constant, "another")
    assert training.run_name(RECIPE, 0, TRAIN, VALIDATION) != key


@pytest.mark.parametrize("lost", ["model.keras", "validation.npy", "history.csv", "run.json"])
def test_a_run_of_which_a_file_is_lost_or_cut_off_counts_as_none(run, lost, tmp_path) -> None:
    folder = tmp_path / run.folder.name
    shutil.copytree(run.folder, folder)
    assert finished_run(folder) is not None
    for cut_off in (b"", (folder / lost).read_bytes()[: -(folder / lost).stat().st_size // 2]):
        (folder / lost).write_bytes(cut_off)
        assert finished_run(folder) is None
    (folder / lost).unlink()
    assert finished_run(folder) is None
    for cut in ("", "null"):
        (folder / "run.json").write_text(cut)
        assert finished_run(folder) is None


@pytest.mark.parametrize(
    ("recipe", "seed", "part"),
    [
        (replace(RECIPE, epochs=3), 0, TRAIN),
        (RECIPE, 1, TRAIN),
        (RECIPE, 0, Part(TRAIN.images, TRAIN.labels[::-1].copy())),
        (RECIPE, 0, Part(255 - TRAIN.images, TRAIN.labels)),
    ],
)
def test_the_key_changes_with_recipe_seed_labels_and_pixels(recipe, seed, part) -> None:
    usual = training.run_name(RECIPE, 0, TRAIN, VALIDATION)
    assert training.run_name(recipe, seed, part, VALIDATION) != usual


def test_a_training_that_is_killed_leaves_nothing(tmp_path, monkeypatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "predict_probabilities", killed)
    with pytest.raises(KeyboardInterrupt):
        train(replace(RECIPE, epochs=1), 0, TRAIN, VALIDATION, tmp_path)
    assert list(tmp_path.iterdir()) == []


CONTRARY = Part(VALIDATION.images, 1 - VALIDATION.labels)
"""Validation images labelled the other way round: the more a network learns, the more it errs on them."""


def test_the_best_epochs_weights_are_kept_and_patience_ends_the_training(tmp_path) -> None:
    patient = replace(RECIPE, epochs=10, patience=2)
    kept = train(patient, 0, TRAIN, CONTRARY, tmp_path)
    assert kept.history().index.tolist() == [1, 2, 3]
    assert kept.history()["val_accuracy"].idxmax() == kept.record["best_epoch"] == 1
    assert kept.record["val_accuracy"] == pytest.approx(kept.history()["val_accuracy"].max())
    first_epoch = train(replace(RECIPE, epochs=1), 0, TRAIN, CONTRARY, tmp_path)
    np.testing.assert_array_equal(kept.validation_probabilities(), first_epoch.validation_probabilities())


def test_the_last_epochs_weights_are_kept_where_the_recipe_says_so(tmp_path) -> None:
    last = train(replace(RECIPE, keep_best_epoch=False), 0, TRAIN, CONTRARY, tmp_path)
    best = train(RECIPE, 0, TRAIN, CONTRARY, tmp_path)
    assert (last.record["best_epoch"], best.record["best_epoch"]) == (2, 1)
    assert not np.array_equal(last.validation_probabilities(), best.validation_probabilities())


def test_the_learning_rate_rises_for_a_twentieth_of_the_steps_and_falls_to_zero_along_a_cosine() -> None:
    recipe = replace(RECIPE, epochs=10, cosine_decay=True, learning_rate=0.02)  # 10 epochs of 6 batches
    network, _ = training.prepare(recipe, 0, TRAIN)
    rates = [float(network.optimizer._learning_rate(step)) for step in (0, 1, 3, 3 + 19, 3 + 57 // 2, 60)]
    expected = [0, 0.02 / 3, 0.02, 0.015, 0.01 * (1 + np.cos(np.pi * 28 / 57)), 0]
    np.testing.assert_allclose(rates, expected, atol=1e-7)


def test_mixed_precision_multiplies_in_bfloat16_and_keeps_probabilities_in_float32(monkeypatch) -> None:
    monkeypatch.setattr(training.tf.config, "list_physical_devices", lambda kind="": [kind] if kind else [])
    for mixed, expected in ((True, "bfloat16"), (False, "float32")):
        network, _ = training.prepare(replace(RECIPE, mixed_precision=mixed), 0, TRAIN)
        assert network.get_layer("C3").compute_dtype == expected
        assert network.get_layer("C3").kernel.dtype == "float32"
        assert network.get_layer("probabilities").compute_dtype == "float32"


@pytest.mark.parametrize(
    ("accuracies", "epoch_images", "why"),
    [
        ([0.5, 0.9, 0.9], 100, None),
        ([0.5, 0.7, 0.9], 100, "still rising"),
        ([0.9, 0.9], 40, "fewer images"),  # 80 of 100
        ([0.9], 100, "a single epoch"),
        ([0.08, 0.08], 100, "below half its training accuracy"),  # of 0.95
    ],
)
def test_a_training_says_why_it_was_too_brief(accuracies, epoch_images, why, tmp_path) -> None:
    lines = [f"{epoch},0.95,{accuracy}" for epoch, accuracy in enumerate(accuracies, start=1)]
    (tmp_path / "history.csv").write_text("\n".join(["epoch,accuracy,val_accuracy", *lines]))
    run = Run(tmp_path, {"epoch_images": epoch_images, "train_images": 100})
    found = find_undertrained({"small": [run]}).get("small")
    assert found is None if why is None else why in str(found)


def test_the_fused_batch_norm_is_keras_batch_norm() -> None:
    values = np.random.default_rng(0).normal(5, 2, (64, 12, 12, 3)).astype(np.float32)
    plain = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.BatchNormalization(momentum=0.9)])
    fused = with_fused_batch_norm(plain, "float32")
    for learning in (True, False):
        expected, found = plain(values, training=learning), fused(values, training=learning)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    for expected, found in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("scaling", ["symmetric", "unit", "raw", "standardised"])
def test_scaling_is_part_of_the_saved_network(scaling: str, tmp_path) -> None:
    run = train(replace(RECIPE, epochs=1, scaling=scaling), 0, TRAIN, VALIDATION, tmp_path)
    network = keras.saving.load_model(run.model_path, compile=False)
    scaled = np.asarray(network.get_layer("scale")(TRAIN.images)).reshape(-1, 3)
    if scaling == "standardised":
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-3)
    else:
        low, high = {"symmetric": (-1, 1), "unit": (0, 1), "raw": (0, 255)}[scaling]
        pixels = TRAIN.images.reshape(-1, 3).astype(float)
        np.testing.assert_allclose(scaled, low + pixels * (high - low) / 255, rtol=1e-4, atol=1e-4)


def test_the_saved_network_is_plain_keras_in_float32(tmp_path) -> None:
    recipe = Recipe("stages", "cellnet", batch_size=16, mixed_precision=True)
    run = train(recipe, 0, TRAIN, VALIDATION, tmp_path)
    network = keras.saving.load_model(run.model_path, compile=False)
    assert {type(layer).__module__.split(".")[0] for layer in network.layers} == {"keras"}
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_an_epoch_can_be_a_part_of_the_images(tmp_path) -> None:
    run = train(replace(RECIPE, epoch_images=32), 0, TRAIN, VALIDATION, tmp_path)
    assert run.record["epoch_images"] == 32
    assert run.record["train_images"] == 96
