"""`python -m helpers.test_model` on every model of a run and every form of data."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from PIL import Image

from helpers import test_model as door
from helpers.data.constants import CLASS_NAMES
from helpers.data.synthetic import draw_cells
from helpers.evaluation.scores import apply_temperature, score
from helpers.features.classical import fit_forest, save_classical
from helpers.features.look import fit_look
from helpers.files import ROOT
from helpers.networks.architectures import build
from helpers.networks.backend import keras
from helpers.onnx_export import export_onnx
from helpers.saved_models import Background, image_codes, load_predictor, read_background, write_background

MODELS = (
    "forest.skops",
    "handcrafted_best.skops",
    "lenet_classic.keras",
    "lenet_custom.keras",
    "alexnet.keras",
    "alexnet_fixed.keras",
    "cellnet.keras",
)


@pytest.fixture(scope="module")
def cells():
    return draw_cells(40, seed=5)


@pytest.fixture(scope="module")
def labelled(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "cells.npz"
    np.savez(path, x=cells.images, y=cells.labels)
    return path


def test_the_best_network_of_a_run_is_there_as_onnx_and_scores_as_in_keras(smoke_run, cells) -> None:
    (exported,) = (smoke_run.out / "models").glob("*.onnx")
    original = exported.with_suffix(".keras")
    assert read_background(exported).temperature == read_background(original).temperature > 0
    assert read_background(exported).source.startswith("synthetic images")
    found, expected = load_predictor(exported)(cells.images), load_predictor(original)(cells.images)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


@pytest.mark.parametrize("name", MODELS)
def test_every_saved_model_scores_labelled_cells(name, smoke_run, labelled, cells, capsys, tmp_path) -> None:
    table = tmp_path / "predictions.csv"
    model = smoke_run.out / "models" / name
    assert door.main([str(model), str(labelled), "--json", "--predictions", str(table)]) == 0
    summary = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader(table.open()))
    correct = np.mean([row["predicted"] == row["label"] for row in rows])
    assert len(rows) == summary["n"] == 40
    assert summary["accuracy"] == pytest.approx(correct)
    probabilities = np.array([[float(row[f"p({name})"]) for name in CLASS_NAMES] for row in rows])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert summary["macro_f1"] == pytest.approx(score(cells.labels, probabilities)["macro_f1"])
    assert all(0 <= float(row[f"calibrated p({row['label']})"]) <= 1 for row in rows)


@pytest.fixture(scope="module")
def own_models(cells, tmp_path_factory):
    """One model of each kind, without a run: a folder with network.keras, network.onnx and forest.skops."""
    folder = tmp_path_factory.mktemp("own models")
    keras.utils.set_random_seed(0)
    build("lenet_classic").save(folder / "network.keras")
    save_classical(fit_forest(cells.images, cells.labels, seed=0), folder / "forest.skops")
    others = draw_cells(400, seed=9).images
    codes, look = np.sort(image_codes(others[:280])), fit_look(others[:280], others[280:])
    for name, temperature in (("network.keras", 0.4), ("forest.skops", 1.7)):
        background = Background(temperature, "synthetic images (seed 9)", True, codes, look)
        write_background(folder / name, background)
    export_onnx(folder / "network.keras", folder / "network.onnx")
    return folder


def make_data(form: str, cells, folder: Path) -> Path:
    """Return where ``cells`` lie, in one of the accepted forms."""
    path = folder / f"{form}.npz"
    if form == "medmnist":
        large = np.stack([np.asarray(Image.fromarray(image).resize((64, 64))) for image in cells.images])
        parts = {"train": np.s_[:20], "val": np.s_[20:30], "test": np.s_[30:]}
        arrays = {f"{name}_images": large[part] for name, part in parts.items()}
        arrays |= {f"{name}_labels": cells.labels[part, None] for name, part in parts.items()}
        np.savez(path, **arrays)
    elif form == "one-hot":
        np.savez(path, data=cells.images, target=np.eye(8, dtype=np.uint8)[cells.labels])
    elif form == "unlabelled":
        np.savez(path, images=cells.images)
    elif form == "image":
        path = folder / "one cell é.png"
        Image.fromarray(cells.images[0]).save(path)
    else:
        path = folder / form
        for index, (image, label) in enumerate(zip(cells.images, cells.labels, strict=True)):
            within = path / CLASS_NAMES[label] if form == "folder" else path
            within.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(within / f"{index:02}.png")
    return path


@pytest.mark.parametrize("model", ["network.keras", "network.onnx", "forest.skops"])
@pytest.mark.parametrize("form", ["one-hot", "medmnist", "unlabelled", "folder", "unsorted", "image"])
def test_every_kind_of_model_scores_every_form_of_data(form, model, own_models, cells, tmp_path, capsys) -> None:
    data, table = make_data(form, cells, tmp_path), tmp_path / "predictions.csv"
    assert door.main([str(own_models / model), str(data), "--json", "--predictions", str(table)]) == 0
    summary, rows = json.loads(capsys.readouterr().out), pd.read_csv(table)
    assert len(rows) == (1 if form == "image" else 40)
    scored = rows[rows["part"] == "test"] if form == "medmnist" else rows
    assert len(scored) == summary["n"] == sum(summary["predicted"].values())
    assert ("accuracy" in summary) == ("label" in rows) == (form in ("one-hot", "medmnist", "folder"))
    if "label" in rows:
        assert summary["accuracy"] == pytest.approx((scored["label"] == scored["predicted"]).mean())
    assert summary["seen_in_training"] == rows["seen in training"].sum() == 0
    assert summary["unfamiliar"] == (~scored["familiar"]).sum()
    temperature = 1.7 if model == "forest.skops" else 0.4
    raw = rows[[f"p({name})" for name in CLASS_NAMES]].to_numpy()
    calibrated = rows[[f"calibrated p({name})" for name in CLASS_NAMES]].to_numpy()
    np.testing.assert_allclose(calibrated, apply_temperature(raw, temperature), atol=1e-4)
    assert (calibrated != raw).all()
    np.testing.assert_allclose(rows["calibrated confidence"], calibrated.max(axis=1), atol=1e-9)
    assert summary["temperature"] == temperature


def test_columns_stay_as_they_are_where_no_temperature_is_known(own_models, cells, tmp_path, capsys) -> None:
    build("lenet_classic").save(tmp_path / "network.keras")
    data, table = make_data("unlabelled", cells, tmp_path), tmp_path / "predictions.csv"
    assert door.main([str(tmp_path / "network.keras"), str(data), "--predictions", str(table)]) == 0
    assert pd.read_csv(table).columns.tolist() == [
        "image", "predicted", "confidence", *(f"p({name})" for name in CLASS_NAMES)
    ]  # fmt: skip
    text = capsys.readouterr().out
    assert "not calibrated" in text
    assert "no labels" in text
    assert text.count("not known") == 3


def test_a_single_image_is_told_with_its_calibrated_probabilities(own_models, cells, tmp_path, capsys) -> None:
    data, table = make_data("image", cells, tmp_path), tmp_path / "predictions.csv"
    assert door.main([str(own_models / "forest.skops"), str(data), "--predictions", str(table)]) == 0
    text, row = capsys.readouterr().out, pd.read_csv(table).iloc[0]
    assert text.startswith("1 image from ")
    assert "temperature of 1.700" in text
    assert f"Predicted {row['predicted']} with a confidence of " in text
    assert "The image looks familiar\n" in text
    first = text.splitlines()[-8].removesuffix(" %").split()
    assert first[0] == row["predicted"].split()[0]
    assert float(first[-1]) == pytest.approx(100 * row["calibrated confidence"], abs=0.051)


def test_onnx_is_scored_as_in_keras_and_without_tensorflow(own_models, cells, tmp_path) -> None:
    data, tables = make_data("folder", cells, tmp_path), [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert door.main([str(own_models / "network.keras"), str(data), "--predictions", str(tables[0])]) == 0
    arguments = [str(own_models / "network.onnx"), str(data), "--predictions", str(tables[1])]
    program = f"import sys; from helpers.test_model import main; main({arguments!r}); "
    program += "print('tensorflow' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "False"
    assert all(line.startswith("warning: The model ") for line in found.stderr.splitlines())
    keras_rows, onnx_rows = (pd.read_csv(table) for table in tables)
    assert keras_rows["predicted"].equals(onnx_rows["predicted"])
    numbers = keras_rows.select_dtypes("number").columns
    np.testing.assert_allclose(keras_rows[numbers], onnx_rows[numbers], atol=1e-5)


def test_words_hold_accuracy_macro_f1_and_recall_by_class(own_models, labelled, capsys) -> None:
    assert door.main([str(own_models / "network.onnx"), str(labelled)]) == 0
    text = capsys.readouterr().out
    for expected in ("Accuracy", "Macro-F1", "Recall by class", "platelet", "n = 40"):
        assert expected in text


@pytest.mark.parametrize("defect", ["missing", "long", "suffix", "truncated", "foreign", "nan", "batch", "data"])
def test_what_cannot_be_used_is_one_line_and_exit_code_2(defect, own_models, labelled, tmp_path, capsys) -> None:
    whole = own_models / "network.keras"
    model, data = tmp_path / "model.keras", labelled
    if defect == "suffix":
        model = tmp_path / "model.h5"
        model.write_bytes(b"x")
    elif defect == "long":
        model = tmp_path / f"{'m' * 300}.keras"
    elif defect == "nan":
        network = keras.saving.load_model(whole, compile=False)
        network.set_weights([np.full_like(values, np.nan) for values in network.get_weights()])
        network.save(model)
    elif defect == "truncated":
        model.write_bytes(whole.read_bytes()[:5000])
    elif defect == "foreign":
        keras.Sequential([keras.Input((10,)), keras.layers.Dense(2)]).save(model)
    elif defect == "batch":
        model, session = tmp_path / "model.onnx", onnx.load(own_models / "network.onnx")
        session.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        onnx.save(session, model)
    elif defect == "data":
        model, data = whole, tmp_path / "nothing.npz"
    assert door.main([str(model), str(data)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert str(data if defect == "data" else model) in captured.err
    assert captured.out == ""


def test_an_unwritable_predictions_file_is_said_before_the_work(
    own_models, labelled, tmp_path, capsys, monkeypatch
) -> None:
    model = own_models / "forest.skops"
    before = labelled.read_bytes()
    monkeypatch.setattr(door.saved_models, "load_predictor", lambda path: pytest.fail("the work has begun"))
    assert door.main([str(model), str(labelled), "--predictions", str(labelled)]) == 2
    assert "ends in .csv" in capsys.readouterr().err
    assert labelled.read_bytes() == before
    blocked, folder = tmp_path / "file", tmp_path / "folder.csv"
    blocked.write_text("in the way")
    folder.mkdir()
    for path in (blocked / "out.csv", folder, tmp_path / ("n" * 300 + ".csv")):
        assert door.main([str(model), str(labelled), "--predictions", str(path)]) == 2
        captured = capsys.readouterr()
        assert "--predictions" in captured.err
        assert captured.err.count("\n") == 1


def score_as_json(*arguments, capsys) -> dict:
    assert door.main([*map(str, arguments), "--json"]) == 0
    told = capsys.readouterr()
    summary = json.loads(told.out)
    assert told.err.splitlines() == [f"warning: {warning}" for warning in summary["warnings"]]
    return summary


class Lookup:
    """A predictor that knows the class of each of the images it was made of, and takes others for platelets."""

    def __init__(self, images, labels) -> None:
        self.labels = dict(zip(image_codes(images).tolist(), labels.tolist(), strict=True))

    def __call__(self, images) -> np.ndarray:
        found = [self.labels.get(code, 7) for code in image_codes(images).tolist()]
        return np.eye(8)[found] * 0.92 + 0.01


@pytest.fixture
def all_knowing(own_models, cells, monkeypatch):
    """A model that is right about each of the ``cells``, and has seen others in training."""
    monkeypatch.setattr(door.saved_models, "load_predictor", lambda path: Lookup(cells.images, cells.labels))
    return own_models / "forest.skops"


def test_the_test_part_is_scored_and_each_other_part_beside_it(all_knowing, cells, tmp_path, capsys) -> None:
    parts = {"train": np.s_[:20], "val": np.s_[20:30], "test": np.s_[30:]}
    labels = cells.labels.copy()
    labels[30:34] = (labels[30:34] + 1) % 8  # four errors in the test part, one in validation
    labels[20] = (labels[20] + 1) % 8
    arrays = {f"{name}_images": cells.images[part] for name, part in parts.items()}
    arrays |= {f"{name}_labels": labels[part] for name, part in parts.items()}
    np.savez(tmp_path / "parts.npz", **arrays)
    summary = score_as_json(all_knowing, tmp_path / "parts.npz", capsys=capsys)
    assert (summary["part"], summary["n"], summary["accuracy"]) == ("test", 10, 0.6)
    assert list(summary["parts"]) == ["test", "validation", "train"]
    assert [part["n"] for part in summary["parts"].values()] == [10, 10, 20]
    assert [part["accuracy"] for part in summary["parts"].values()] == [0.6, 0.9, 1.0]
    assert {"n", "accuracy", "accuracy_ci95", "seen_in_training", "unfamiliar"} <= set(summary["parts"]["train"])
    table = tmp_path / "out.csv"
    assert door.main([str(all_knowing), str(tmp_path / "parts.npz"), "--predictions", str(table)]) == 0
    rows = pd.read_csv(table)
    assert rows["part"].value_counts().to_dict() == {"train": 20, "validation": 10, "test": 10}
    text = capsys.readouterr().out
    assert text.startswith("10 test images from parts.npz\n")
    assert "Accuracy 60.0 %" in text
    assert "  validation  accuracy 90.0 %" in text
    assert "  train       accuracy 100.0 %" in text


def test_a_part_whose_labels_are_hidden_is_predicted_and_not_scored(all_knowing, cells, tmp_path, capsys) -> None:
    np.savez(
        tmp_path / "hidden.npz",
        X_train=cells.images[:25],
        y_train=cells.labels[:25],
        X_test=cells.images[25:],
    )
    summary = score_as_json(all_knowing, tmp_path / "hidden.npz", capsys=capsys)
    assert (summary["part"], summary["n"], sum(summary["predicted"].values())) == ("test", 15, 15)
    assert "accuracy" not in summary
    assert "accuracy" not in summary["parts"]["test"]
    assert summary["parts"]["train"]["accuracy"] == 1
    table = tmp_path / "out.csv"
    assert door.main([str(all_knowing), str(tmp_path / "hidden.npz"), "--predictions", str(table)]) == 0
    assert "no labels to score against" in capsys.readouterr().out
    rows = pd.read_csv(table)
    assert rows["label"].isna().sum() == 15
    assert rows["predicted"].notna().all()


def test_images_that_the_model_was_trained_on_are_counted_and_warned_of(own_models, cells, tmp_path, capsys) -> None:
    seen = draw_cells(400, seed=9)  # the model was trained on the first 280
    images = np.concatenate([seen.images[:12], cells.images])
    np.savez(tmp_path / "mixed.npz", images=images, labels=np.concatenate([seen.labels[:12], cells.labels]))
    table = tmp_path / "out.csv"
    summary = score_as_json(own_models / "network.onnx", tmp_path / "mixed.npz", "--predictions", table, capsys=capsys)
    assert summary["seen_in_training"] == 12
    assert any("trained on 12 of 52 images" in warning for warning in summary["warnings"])
    assert pd.read_csv(table)["seen in training"].tolist() == [True] * 12 + [False] * 40
    assert summary["trained_on"] == {
        "source": "synthetic images (seed 9)", "is_synthetic": True, "images": 280
    }  # fmt: skip


def test_a_model_of_synthetic_images_says_so_of_others(own_models, labelled, capsys) -> None:
    warned = "trained on synthetic images, and these are others"
    others = score_as_json(own_models / "network.onnx", labelled, capsys=capsys)
    assert sum(warned in warning for warning in others["warnings"]) == 1
    assert door.main([str(own_models / "network.onnx"), str(labelled)]) == 0
    told = capsys.readouterr()
    assert f"warning: The model was {warned}.\n" in told.err
    assert warned not in told.out
    own = score_as_json(own_models / "network.onnx", "synthetic", capsys=capsys)
    assert not any(warned in warning for warning in own["warnings"])


def test_cells_of_another_stain_look_unfamiliar_and_those_at_home_do_not(own_models, cells, tmp_path, capsys) -> None:
    np.savez(tmp_path / "home.npz", images=cells.images)
    np.savez(tmp_path / "stained.npz", images=(cells.images * [1.0, 0.8, 0.9]).astype(np.uint8))
    home, stained = (
        score_as_json(own_models / "network.onnx", tmp_path / name, capsys=capsys)
        for name in ("home.npz", "stained.npz")
    )
    warned = "look like nothing the model has seen"
    assert home["unfamiliar"] <= 2
    assert not any(warned in warning for warning in home["warnings"])
    assert stained["unfamiliar"] == 40
    assert any(f"100.0 % of the images {warned}" in warning for warning in stained["warnings"])


@pytest.mark.parametrize("first", [1, 3])
def test_labels_of_another_order_are_questioned_with_the_option_that_settles_it(
    first, all_knowing, cells, tmp_path, capsys
) -> None:
    order = [6, 1, 5, 4, 0]  # another collection's: its labels are counted from ``first``
    chosen = np.isin(cells.labels, order)
    labels = np.array([order.index(label) for label in cells.labels[chosen]]) + first
    np.savez(tmp_path / "cells.npz", images=cells.images[chosen], labels=labels)
    summary = score_as_json(all_knowing, tmp_path / "cells.npz", capsys=capsys)
    (warning,) = [warning for warning in summary["warnings"] if "agrees with" in warning]
    option = "--classes neutrophil,eosinophil,monocyte,lymphocyte,basophil"
    assert option in warning
    assert "100.0 %" in warning
    settled = score_as_json(all_knowing, tmp_path / "cells.npz", *option.split(), capsys=capsys)
    assert settled["accuracy"] == 1
    assert not any("agrees with" in warning for warning in settled["warnings"])


def test_labels_that_fit_no_order_are_questioned_without_one(all_knowing, cells, tmp_path, capsys) -> None:
    labels = np.random.default_rng(0).integers(0, 8, 40)
    np.savez(tmp_path / "cells.npz", images=cells.images, labels=labels)
    (warning,) = [
        warning
        for warning in score_as_json(all_knowing, tmp_path / "cells.npz", capsys=capsys)["warnings"]
        if "agrees with" in warning
    ]
    assert "--classes" not in warning


def test_wrong_labels_of_one_split_are_questioned(all_knowing, cells, tmp_path, capsys) -> None:
    parts = {"x_test": cells.images[:9], "y_test": np.zeros(9, int), "x_train": cells.images, "y_train": cells.labels}
    np.savez(tmp_path / "cells.npz", **parts)
    warnings = score_as_json(all_knowing, tmp_path / "cells.npz", capsys=capsys)["warnings"]
    assert ["of the test labels" in warning for warning in warnings if "agrees with" in warning] == [True]


def test_right_labels_are_not_questioned(all_knowing, cells, labelled, tmp_path, capsys) -> None:
    one_class = cells.images[cells.labels == 6]
    np.savez(tmp_path / "neutrophils.npz", images=one_class, labels=np.full(len(one_class), 6))
    for data in (labelled, tmp_path / "neutrophils.npz"):
        warnings = score_as_json(all_knowing, data, capsys=capsys)["warnings"]
        assert not any("agrees" in warning for warning in warnings)


def linear_network(*layers) -> keras.Model:
    """Return a network of ``layers`` whose last layer has no softmax."""
    keras.utils.set_random_seed(4)
    return keras.Sequential([keras.Input((48, 48, 3)), *layers, keras.layers.Flatten(), keras.layers.Dense(8)])


def test_logits_of_a_network_become_probabilities_aloud(labelled, cells, tmp_path, capsys) -> None:
    network = linear_network(keras.layers.Rescaling(1 / 255))
    network.save(tmp_path / "logits.keras")
    table = tmp_path / "out.csv"
    summary = score_as_json(tmp_path / "logits.keras", labelled, "--predictions", table, capsys=capsys)
    logits = network.predict(cells.images, verbose=0).astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = pd.read_csv(table)[[f"p({name})" for name in CLASS_NAMES]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert sum("softmax" in warning for warning in summary["warnings"]) == 1
    assert summary["log_loss"] == pytest.approx(score(cells.labels, expected)["log_loss"], rel=1e-4)
    assert not any("scales pixels" in warning for warning in summary["warnings"])


def test_a_network_without_scaling_is_said(labelled, tmp_path, capsys) -> None:
    linear_network().save(tmp_path / "raw.keras")
    nested = linear_network(keras.Sequential([keras.layers.Rescaling(1 / 255)]))
    nested.save(tmp_path / "nested.keras")
    image = keras.Input((48, 48, 3))
    keras.Model(image, linear_network()(image / 255)).save(tmp_path / "divided.keras")
    for name, count in (("raw.keras", 1), ("nested.keras", 0), ("divided.keras", 0)):
        warnings = score_as_json(tmp_path / name, labelled, capsys=capsys)["warnings"]
        assert sum("no layer that scales pixels" in warning for warning in warnings) == count


def test_the_training_images_most_like_a_single_one_are_named(own_models, tmp_path, capsys, monkeypatch) -> None:
    training = draw_cells(400, seed=9)
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "data.npz", images=training.images, labels=training.labels)
    monkeypatch.setattr(door, "ROOT", tmp_path)
    # turned and a little darker, so it is no copy
    Image.fromarray(np.rot90(training.images[123][::-1]) - np.uint8(1)).save(tmp_path / "cell.png")
    arguments = (own_models / "network.onnx", tmp_path / "cell.png")
    summary = score_as_json(*arguments, capsys=capsys)
    assert summary["nearest"][0] == f"123 ({CLASS_NAMES[training.labels[123]]})"
    assert len(set(summary["nearest"])) == 5
    assert all(int(name.split()[0]) < 280 for name in summary["nearest"])  # the model knows no others
    assert summary["seen_in_training"] == 0
    assert door.main([*map(str, arguments)]) == 0
    assert f"are {summary['nearest'][0]}, " in capsys.readouterr().out


def test_an_unfamiliar_image_is_told_in_words(own_models, cells, tmp_path, capsys) -> None:
    Image.fromarray(cells.images[0][..., ::-1].copy()).save(tmp_path / "blue.png")
    assert door.main([str(own_models / "network.onnx"), str(tmp_path / "blue.png")]) == 0
    told = capsys.readouterr()
    assert "The image looks unlike those that the model was trained on\n" in told.out
    assert "warning: The image looks like nothing the model has seen" in told.err
