"""Saved models behind one door: what is no model is refused in one line, temperatures travel with the file."""

import subprocess
import sys
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.features.classical import ClassicalModel, fit_forest, load_classical, save_classical
from helpers.files import ROOT
from helpers.networks.architectures import build
from helpers.networks.backend import keras
from helpers.onnx_export import export_onnx
from helpers.saved_models import load_predictor, read_temperature, write_temperature

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
        "from helpers.saved_models import load_predictor, read_temperature;"
        f"path = Path({str(models / 'network.onnx')!r}); read_temperature(path);"
        "print(load_predictor(path)(numpy.zeros((3, 48, 48, 3), numpy.uint8)).shape, 'tensorflow' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (found.stdout, found.stderr) == ("(3, 8) False\n", "")


def test_a_batch_gives_what_single_images_give(models) -> None:
    predict = load_predictor(models / "network.onnx")
    images = np.concatenate([CELLS.images] * 4)
    one_by_one = np.concatenate([predict(images[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(predict(images)[:3], one_by_one, atol=1e-6)
    assert predict(images).shape == (320, 8)


@pytest.mark.parametrize("name", ["network.keras", "forest.skops"])
def test_a_temperature_travels_with_the_file_and_changes_nothing_else(name, models, tmp_path) -> None:
    path, other = tmp_path / name, tmp_path / f"other-{name}"
    for copy in (path, other):
        copy.write_bytes((models / name).read_bytes())
        assert read_temperature(copy) is None
        write_temperature(copy, 1 / 3)
        assert read_temperature(copy) == 1 / 3
    assert path.read_bytes() == other.read_bytes()
    images = CELLS.images[:9]
    np.testing.assert_array_equal(load_predictor(path)(images), load_predictor(models / name)(images))
    if name.endswith(".keras"):
        keras.saving.load_model(path)
    else:
        load_classical(path)


@pytest.mark.parametrize("text", ["nan", "-1", "0", "inf", "warm", "", "1" * 5000])
def test_a_temperature_that_is_none_is_refused(text, models, tmp_path) -> None:
    path = tmp_path / "network.keras"
    path.write_bytes((models / "network.keras").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("temperature", text)
    if text.startswith("11"):
        assert read_temperature(path) == float(text[:40])
        return
    with pytest.raises(InputError, match="temperature") as refused:
        read_temperature(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


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


@pytest.mark.parametrize(
    "defect", ["empty", "text", "truncated", "flipped", "foreign", "external", "operator", "zip"]
)
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
    for reader in (load_predictor, read_temperature):
        with pytest.raises(InputError) as refused:
            reader(path)
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_other_files_are_refused_by_their_suffix(tmp_path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"x")
    with pytest.raises(InputError, match=r"\.keras, \.skops or \.onnx"):
        load_predictor(tmp_path / "model.pkl")
    with pytest.raises(InputError, match="no such file"):
        load_predictor(tmp_path / "model.onnx")
