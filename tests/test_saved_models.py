"""Saved models behind one door: what is no model is refused in one line, a background travels with the file."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper

from helpers import saved_models
from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.features.classical import ClassicalModel, fit_forest, load_classical, save_classical
from helpers.features.look import fit_look
from helpers.files import ROOT
from helpers.networks.architectures import build
from helpers.networks.backend import keras
from helpers.onnx_export import export_onnx
from helpers.saved_models import (
    BACKGROUND,
    Background,
    as_probabilities,
    image_codes,
    load_predictor,
    read_background,
    write_background,
)

CELLS = draw_cells(80, seed=6)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One model of each kind, in a folder."""
    folder = tmp_path_factory.mktemp("models")
    build("lenet_classic").save(folder / "network.keras")
    export_onnx(folder / "network.keras", folder / "network.onnx")
    forest: ClassicalModel = fit_forest(CELLS.images, CELLS.labels, seed=0)
    save_classical(forest, folder / "forest.skops")
    return folder


def test_onnx_is_scored_without_tensorflow(models) -> None:
    program = (
        "import sys, numpy; from pathlib import Path;"
        "from helpers.saved_models import load_predictor, read_background;"
        f"path = Path({str(models / 'network.onnx')!r}); read_background(path);"
        "print(load_predictor(path)(numpy.zeros((3, 48, 48, 3), numpy.uint8)).shape, 'tensorflow' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("(3, 8) False\n", "")


def test_a_batch_gives_what_single_images_give(models) -> None:
    predict = load_predictor(models / "network.onnx")
    images = np.concatenate([CELLS.images] * 4)
    one_by_one = np.concatenate([predict(images[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(predict(images)[:3], one_by_one, atol=1e-6)
    assert predict(images).shape == (320, 8)


BACKGROUND_OF_CELLS = Background(
    1 / 3, "synthetic images", True, np.sort(image_codes(CELLS.images)), fit_look(CELLS.images, CELLS.images)
)


@pytest.mark.parametrize("name", ["network.keras", "forest.skops"])
def test_a_background_travels_with_the_file_and_changes_nothing_else(name, models, tmp_path) -> None:
    path, other = tmp_path / name, tmp_path / f"other-{name}"
    for copy in (path, other):
        copy.write_bytes((models / name).read_bytes())
        assert read_background(copy) is None
        write_background(copy, BACKGROUND_OF_CELLS)
        found = read_background(copy)
        assert (found.temperature, found.source, found.is_synthetic) == (1 / 3, "synthetic images", True)
        assert np.isin(image_codes(CELLS.images), found.codes).all()
        assert not np.isin(image_codes(255 - CELLS.images), found.codes).any()
        np.testing.assert_array_equal(
            found.look.log_likelihood(CELLS.images), BACKGROUND_OF_CELLS.look.log_likelihood(CELLS.images)
        )
    assert path.read_bytes() == other.read_bytes()
    images = CELLS.images[:9]
    np.testing.assert_array_equal(load_predictor(path)(images), load_predictor(models / name)(images))
    if name.endswith(".keras"):
        keras.saving.load_model(path)
    else:
        load_classical(path)


@pytest.mark.parametrize(
    "damage",
    [
        {"temperature": "warm"},
        {"temperature": 0},
        {"temperature": float("nan")},
        {"temperature": None},
        {"threshold": float("inf")},
        {"weights": "AAAA"},
        {"roots": ""},
        {"roots": 7},
        {"codes": "?"},
        {"codes": None},
        "no JSON",
        "[]",
        "{}",
        "",
    ],
    ids=str,
)
def test_a_damaged_background_is_refused_in_one_line(damage, models, tmp_path) -> None:
    path = tmp_path / "network.keras"
    path.write_bytes((models / "network.keras").read_bytes())
    sound = json.loads(saved_models.background_text(BACKGROUND_OF_CELLS))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(BACKGROUND, damage if isinstance(damage, str) else json.dumps(sound | damage))
    with pytest.raises(InputError, match="background") as refused:
        read_background(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_background_that_is_too_long_is_refused(models, tmp_path, monkeypatch) -> None:
    path = tmp_path / "network.keras"
    path.write_bytes((models / "network.keras").read_bytes())
    write_background(path, BACKGROUND_OF_CELLS)
    monkeypatch.setattr(saved_models, "LONGEST_BACKGROUND", 100)
    with pytest.raises(InputError, match="more than 100 characters"):
        read_background(path)


def test_outputs_become_probabilities_in_the_way_that_they_suggest() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(8), 20).astype(np.float32)
    found, doubt = as_probabilities(shares)
    np.testing.assert_array_equal(found, shares)
    assert doubt == ""
    for outputs, words in (
        (np.log(shares), "softmax"),
        (np.log(shares) + 30, "softmax"),
        (shares * 100, "divided"),
        (shares * 0.4, "divided"),
    ):
        found, doubt = as_probabilities(outputs)
        np.testing.assert_allclose(found, shares, atol=1e-5)
        assert words in doubt
        assert "no probabilities" in doubt


def foreign_onnx(path, *, external: bool = False) -> None:
    """Write a sound ONNX model that is not ours; with ``external`` weights in a file that it names."""
    value = helper.make_tensor_value_info
    weight = helper.make_tensor("weight", TensorProto.FLOAT, (4, 2), np.ones(8))
    if external:
        weight.ClearField("float_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="../../../../etc/hostname")
    node = helper.make_node("MatMul", ["x", "weight"], ["y"])
    ends = [value("x", TensorProto.FLOAT, ("N", 4))], [value("y", TensorProto.FLOAT, ("N", 2))]
    graph = helper.make_graph([node], "foreign", *ends, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("defect", ["empty", "text", "truncated", "flipped", "foreign", "external", "operator", "zip"])
def test_what_is_no_onnx_model_of_ours_is_one_line(defect, models, tmp_path, capfd) -> None:
    path, whole = tmp_path / "model\u00e9.onnx", (models / "network.onnx").read_bytes()
    if defect in ("foreign", "external"):
        foreign_onnx(path, external=defect == "external")
    elif defect == "operator":
        model = onnx.load_from_string(whole)
        model.graph.node[3].domain = "somebody.else"
        path.write_bytes(model.SerializeToString())
    elif defect == "zip":
        path.write_bytes((models / "network.keras").read_bytes())
    elif defect == "flipped":
        path.write_bytes(whole[:200] + bytes(255 - byte for byte in whole[200:260]) + whole[260:])
    else:
        path.write_bytes({"empty": b"", "text": b"no model\n", "truncated": whole[: len(whole) // 2]}[defect])
    for reader in (load_predictor, read_background):
        with pytest.raises(InputError) as refused:
            reader(path)
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def onnx_model(path, answer: str) -> None:
    """Write an ONNX model with our inputs and outputs whose probabilities are what ``answer`` makes of some values."""
    text = """<ir_version: 8, opset_import: ["": 17]>
        cells (uint8[N, 48, 48, 3] image) => (float[N, 8] probabilities) {
            first = Constant<value = int64[1] {0}>()
            two = Constant<value = int64[1] {2}>()
            eight = Constant<value = int64[1] {8}>()
            ten_million = Constant<value = int64[1] {10000000}>()
            cells = Shape(image)
            count = Gather(cells, first)
            ANSWER
        }"""
    path.write_bytes(onnx.parser.parse_model(text.replace("ANSWER", answer)).SerializeToString())


def test_an_onnx_model_that_takes_all_memory_is_refused(tmp_path) -> None:
    onnx_model(
        tmp_path / "large.onnx",
        """size = Mul(count, ten_million)
        ones = ConstantOfShape<value = float[1] {1.0}>(size)
        one = ReduceMax<keepdims = 0>(ones)
        shape = Concat<axis = 0>(count, eight)
        probabilities = Expand(one, shape)""",
    )
    predict = load_predictor(tmp_path / "large.onnx")
    with pytest.raises(InputError, match=r"large\.onnx.*memory") as refused:
        predict(CELLS.images[:64])
    assert "\n" not in str(refused.value)


def test_an_onnx_model_with_two_answers_per_image_is_refused(tmp_path) -> None:
    onnx_model(
        tmp_path / "twice.onnx",
        """twice = Mul(count, two)
        shape = Concat<axis = 0>(twice, eight)
        probabilities = ConstantOfShape<value = float[1] {0.125}>(shape)""",
    )
    with pytest.raises(InputError, match=r"twice\.onnx.*an answer per image"):
        load_predictor(tmp_path / "twice.onnx")(CELLS.images[:3])


def test_other_files_are_refused_by_their_suffix(tmp_path) -> None:
    (tmp_path / "model.txt").write_bytes(b"x")
    with pytest.raises(InputError, match=r"\.keras, \.skops or \.onnx"):
        load_predictor(tmp_path / "model.txt")
    with pytest.raises(InputError, match="no such file"):
        load_predictor(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model.h5", "TensorFlow"),
        ("model.HDF5", "TensorFlow"),
        ("model.pt", "PyTorch"),
        ("model.pth", "PyTorch"),
        ("model.pkl", "pickle"),
        ("model.joblib", "pickle"),
        ("saved/saved_model.pb", "SavedModel"),
    ],
)
def test_a_model_of_another_kind_is_named_with_what_to_do(name, kind, tmp_path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    with pytest.raises(InputError, match=kind) as refused:
        load_predictor(path.parent if kind == "SavedModel" else path)
    assert "save it as .keras" in str(refused.value)
    assert "export it to .onnx" in str(refused.value)


def test_a_network_of_another_keras_is_refused_with_its_version(models, tmp_path) -> None:
    path = tmp_path / "old.keras"
    with zipfile.ZipFile(models / "network.keras") as old, zipfile.ZipFile(path, "w") as new:
        config = json.loads(old.read("config.json"))
        config["module"] = "keras.src.engine.functional"
        new.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        new.writestr("config.json", json.dumps(config))
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    with pytest.raises(
        InputError, match=r"of Keras 2\.15\.0 cannot be loaded.*; open it where it was trained"
    ) as refused:
        load_predictor(path)
    assert str(refused.value).endswith("(float32, N x 8)")


def test_code_in_a_network_is_not_run(tmp_path) -> None:
    path = tmp_path / "lambda.keras"
    network = keras.Sequential(
        [keras.Input((48, 48, 3)), keras.layers.Flatten(), keras.layers.Lambda(lambda x: x[:, :8])]
    )
    network.save(path)
    with pytest.raises(InputError, match="needs code of its own"):
        load_predictor(path)


@pytest.mark.parametrize("defect", ["wide", "zeros"])
def test_a_network_too_large_for_memory_is_refused_before_it_is_built(defect, tmp_path, monkeypatch) -> None:
    path = tmp_path / "large.keras"
    network = keras.Sequential([keras.Input((48, 48, 3)), keras.layers.Flatten(), keras.layers.Dense(8)])
    network.save(path)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    if defect == "wide":
        members["config.json"] = members["config.json"].replace(b'"units": 8', b'"units": %d' % 10**9)
    else:
        monkeypatch.setattr(saved_models, "LARGEST_NETWORK", 10**7)
        members["zeros"] = bytes(10**7)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(InputError, match=r"large\.keras: declares at least [\d,]+ bytes of weights and holds"):
        load_predictor(path)
