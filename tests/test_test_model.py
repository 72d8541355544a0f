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
from helpers.files import ROOT
from helpers.networks.architectures import build
from helpers.networks.backend import keras
from helpers.onnx_export import export_onnx
from helpers.saved_models import load_predictor, read_temperature, write_temperature

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
    assert read_temperature(exported) == read_temperature(original) > 0
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
    calibrated = [float(row[f"calibrated p({row['label']})"]) for row in rows]
    assert summary["log_loss_calibrated"] == pytest.approx(-np.mean(np.log(calibrated)), rel=1e-3)


@pytest.fixture(scope="module")
def own_models(cells, tmp_path_factory):
    """One model of each kind, without a run: a folder with network.keras, network.onnx and forest.skops."""
    folder = tmp_path_factory.mktemp("own models")
    keras.utils.set_random_seed(0)
    build("lenet_classic").save(folder / "network.keras")
    save_classical(fit_forest(cells.images, cells.labels, seed=0), folder / "forest.skops")
    for name, temperature in (("network.keras", 0.4), ("forest.skops", 1.7)):
        write_temperature(folder / name, temperature)
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
def test_every_kind_of_model_scores_every_form_of_data(
    form, model, own_models, cells, tmp_path, capsys
) -> None:
    data, table = make_data(form, cells, tmp_path), tmp_path / "predictions.csv"
    assert door.main([str(own_models / model), str(data), "--json", "--predictions", str(table)]) == 0
    summary, rows = json.loads(capsys.readouterr().out), pd.read_csv(table)
    assert len(rows) == summary["n"] == sum(summary["predicted"].values()) == (1 if form == "image" else 40)
    assert ("accuracy" in summary) == ("label" in rows) == (form in ("one-hot", "medmnist", "folder"))
    if "label" in rows:
        assert summary["accuracy"] == pytest.approx((rows["label"] == rows["predicted"]).mean())
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


def test_a_single_image_is_told_with_its_calibrated_probabilities(
    own_models, cells, tmp_path, capsys
) -> None:
    data, table = make_data("image", cells, tmp_path), tmp_path / "predictions.csv"
    assert door.main([str(own_models / "forest.skops"), str(data), "--predictions", str(table)]) == 0
    text, row = capsys.readouterr().out, pd.read_csv(table).iloc[0]
    assert text.startswith("1 image from ")
    assert "temperature of 1.700" in text
    first = text.splitlines()[-8].removesuffix(" %").split()
    assert first[0] == row["predicted"].split()[0]
    assert float(first[-1]) == pytest.approx(100 * row["calibrated confidence"], abs=0.051)


def test_onnx_is_scored_as_in_keras_and_without_tensorflow(own_models, cells, tmp_path) -> None:
    data, tables = make_data("folder", cells, tmp_path), [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert door.main([str(own_models / "network.keras"), str(data), "--predictions", str(tables[0])]) == 0
    arguments = [str(own_models / "network.onnx"), str(data), "--predictions", str(tables[1])]
    program = f"import sys; from helpers.test_model import main; main({arguments!r}); "
    program += "print('tensorflow' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == "False"
    assert found.stderr == ""
    keras_rows, onnx_rows = (pd.read_csv(table) for table in tables)
    assert keras_rows["predicted"].equals(onnx_rows["predicted"])
    numbers = keras_rows.select_dtypes("number").columns
    np.testing.assert_allclose(keras_rows[numbers], onnx_rows[numbers], atol=1e-5)


def test_words_hold_accuracy_macro_f1_and_recall_by_class(own_models, labelled, capsys) -> None:
    assert door.main([str(own_models / "network.onnx"), str(labelled)]) == 0
    text = capsys.readouterr().out
    for expected in ("Accuracy", "Macro-F1", "Recall by class", "platelet", "n = 40"):
        assert expected in text


@pytest.mark.parametrize(
    "defect", ["missing", "long", "suffix", "truncated", "foreign", "nan", "batch", "data"]
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    defect, own_models, labelled, tmp_path, capsys
) -> None:
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


def test_an_unwritable_predictions_file_is_said(own_models, labelled, tmp_path, capsys) -> None:
    model = own_models / "forest.skops"
    before = labelled.read_bytes()
    assert door.main([str(model), str(labelled), "--predictions", str(labelled)]) == 2
    assert "ends in .csv" in capsys.readouterr().err
    assert labelled.read_bytes() == before
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert door.main([str(model), str(labelled), "--predictions", str(blocked / "out.csv")]) == 2
    assert "--predictions" in capsys.readouterr().err
