"""`python -m helpers.test_model` on every model of a run and every form of data."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from helpers import test_model as door
from helpers.evaluation import score
from helpers.synthetic import draw_cells

MODELS = (
    "forest.skops",
    "handcrafted_best.skops",
    "lenet_classic.keras",
    "lenet_custom.keras",
    "alexnet.keras",
)


@pytest.fixture(scope="module")
def cells():
    return draw_cells(40, seed=5)


@pytest.fixture(scope="module")
def labelled(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "cells.npz"
    np.savez(path, x=cells.images, y=cells.labels)
    return path


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
    probabilities = np.array([[float(row[f"p({name})"]) for name in cells.class_names] for row in rows])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert summary["macro_f1"] == pytest.approx(score(cells.labels, probabilities)["macro_f1"])


def test_words_hold_accuracy_macro_f1_and_recall_by_class(smoke_run, labelled, capsys) -> None:
    assert door.main([str(smoke_run.out / "models" / "lenet_custom.keras"), str(labelled)]) == 0
    text = capsys.readouterr().out
    for expected in ("accuracy", "macro-F1", "recall by class", "platelet", "n = 40"):
        assert expected in text


def test_cells_without_labels_are_predicted(smoke_run, cells, tmp_path, capsys) -> None:
    np.savez(tmp_path / "unlabelled.npz", images=cells.images)
    model, table = smoke_run.out / "models" / "lenet_custom.keras", tmp_path / "out.csv"
    assert door.main([str(model), str(tmp_path / "unlabelled.npz"), "--predictions", str(table)]) == 0
    assert "no labels" in capsys.readouterr().out
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 40
    assert "label" not in rows[0]


def test_a_single_image_is_predicted(smoke_run, cells, tmp_path, capsys) -> None:
    path = tmp_path / "one cell é.png"
    Image.fromarray(cells.images[0]).save(path)
    assert door.main([str(smoke_run.out / "models" / "forest.skops"), str(path)]) == 0
    assert "1 images" in capsys.readouterr().out


@pytest.mark.parametrize("defect", ["missing", "suffix", "truncated", "foreign", "data"])
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    defect, smoke_run, labelled, tmp_path, capsys
) -> None:
    whole = smoke_run.out / "models" / "lenet_custom.keras"
    model, data = tmp_path / "model.keras", labelled
    if defect == "suffix":
        model = tmp_path / "model.h5"
        model.write_bytes(b"x")
    elif defect == "truncated":
        model.write_bytes(whole.read_bytes()[:5000])
    elif defect == "foreign":
        import keras

        keras.Sequential([keras.Input((10,)), keras.layers.Dense(2)]).save(model)
    elif defect == "data":
        model, data = whole, tmp_path / "nothing.npz"
    assert door.main([str(model), str(data)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert str(data if defect == "data" else model) in captured.err
    assert captured.out == ""


def test_an_unwritable_predictions_file_is_said(smoke_run, labelled, tmp_path, capsys) -> None:
    model = smoke_run.out / "models" / "forest.skops"
    before = labelled.read_bytes()
    assert door.main([str(model), str(labelled), "--predictions", str(labelled)]) == 2
    assert "ends in .csv" in capsys.readouterr().err
    assert labelled.read_bytes() == before
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert door.main([str(model), str(labelled), "--predictions", str(blocked / "out.csv")]) == 2
    assert "--predictions" in capsys.readouterr().err
