"""Saved models of every kind as functions from uint8 images to probabilities."""

import base64
import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from helpers import features, networks
from helpers.data import CLASS_NAMES, SIDE
from helpers.errors import InputError, printable, refused, refusing
from helpers.files import written_atomically
from helpers.recipes import BATCH, THREADS

Predictor = Callable[[np.ndarray], np.ndarray]
"""From (N, 48, 48, 3) uint8 images to (N, 8) probabilities."""

BACKGROUND = "background.json"
"""Name of a model's `Background` in its file: a member of .keras and .skops (both are zips), a property of .onnx."""
LONGEST_BACKGROUND = 2**24
"""Characters of a background: a million training images are 11 million."""

FOREIGN = {
    **dict.fromkeys((".h5", ".hdf5"), "a Keras network as HDF5"),
    **dict.fromkeys((".pb", ".tflite"), "a TensorFlow model"),
    **dict.fromkeys((".pt", ".pth"), "a PyTorch model, which is a pickle"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which could run any code"),
}
"""Suffix of models that are not opened, and what they are."""
CONVERT = (
    "open it where it was trained and save it as .keras, or export it to .onnx with the input “image” "
    "(uint8, N × 48 × 48 × 3) and the output “probabilities” (float32, N × 8)"
)
"""What to do with a model of another kind."""


def load_predictor(path: Path) -> Predictor:
    """Return the saved model at ``path`` (.keras, .skops or .onnx) as a function from images to probabilities.

    Nothing is unpickled, and no code in a file is run. Only .keras needs TensorFlow. InputError if there is no such
    file or it is not a model of this project.
    """
    with refusing(path, "a saved model"):  # the name may be too long for the file system
        if path.is_dir():
            kind = (
                "with a TensorFlow SavedModel" if (path / "saved_model.pb").exists() else "and no saved model"
            )
            raise refused(path, f"is a folder {kind}; {CONVERT}")
        if not path.is_file():
            raise refused(path, "no such file, expected a saved model (.keras, .skops or .onnx)")
    if path.suffix == ".skops":
        return partial(features.predict_probabilities, features.load_classical(path))
    if path.suffix == ".keras":
        return partial(networks.predict_probabilities, load_network(path))
    if path.suffix == ".onnx":
        session = _open_onnx(path)
        return lambda images: np.concatenate(
            [session.run(None, {"image": images[i : i + BATCH]})[0] for i in range(0, len(images), BATCH)]
        )
    if path.suffix.lower() in FOREIGN:
        raise refused(path, f"is {FOREIGN[path.suffix.lower()]}; {CONVERT}")
    raise refused(path, f"suffix {path.suffix!r} found, expected a saved model (.keras, .skops or .onnx)")


def load_network(path: Path) -> Any:
    """Return the Keras network saved at ``path``; InputError if it is not one or has other shapes than ours."""
    try:
        with refusing(path, "a Keras model"):
            network = networks.keras.saving.load_model(path, compile=False, safe_mode=True)
            found = (network.input_shape, network.output_shape)
    except InputError as error:
        version, ours = _keras_version(path), networks.keras.__version__
        if version.split(".")[:2] in ([""], ours.split(".")[:2]):
            raise
        raise refused(
            path, f"was saved by Keras {version}, and Keras {ours} cannot load it; {CONVERT}"
        ) from error
    expected = ((None, SIDE, SIDE, 3), (None, len(CLASS_NAMES)))
    if found != expected:
        raise refused(path, f"maps {found[0]} to {found[1]}, expected {expected[0]} to {expected[1]}")
    return network


def _keras_version(path: Path) -> str:
    """Return the version of Keras that saved the file at ``path``, or "" where it does not say."""
    try:
        with zipfile.ZipFile(path) as archive:
            return printable(json.loads(archive.open("metadata.json").read(10_000))["keras_version"])
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError):
        return ""


def lacks_scaling(path: Path) -> bool:
    """Return whether the model at ``path`` is a .keras network without a layer that scales pixels."""
    if path.suffix != ".keras":
        return False
    with refusing(path, "a Keras model"), zipfile.ZipFile(path) as archive:
        return not re.search(rb'"class_name": "(Rescaling|Normalization)"', archive.read("config.json"))


def as_probabilities(outputs: np.ndarray) -> tuple[np.ndarray, str]:
    """Return a model's (N, 8) outputs as probabilities, and a sentence on what had to be done for it or ""."""
    sums = outputs.sum(axis=1, keepdims=True)
    if outputs.min() >= -1e-3 and (np.abs(sums - 1) <= 1e-3).all():
        return outputs, ""
    found = f"The model’s outputs are no probabilities ({outputs.min():.3g} to {outputs.max():.3g})"
    are_shares = outputs.max() <= 1 or (np.abs(sums - 100) <= 0.1).all()
    if outputs.min() >= 0 and are_shares and sums.min() > 0:
        return outputs / sums, f"{found}, so we divided those of each image by their sum."
    return softmax(
        outputs.astype(np.float64), axis=1
    ), f"{found}, so we took them for logits and applied softmax."


def _open_onnx(path: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = 4
    with refusing(path, "an ONNX model"):
        # from bytes, which refuses a model that refers to other files
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        ends = [*session.get_inputs(), *session.get_outputs()]
        found = [(end.name, end.type, list(end.shape[1:])) for end in ends]
    image, probabilities = ("tensor(uint8)", [SIDE, SIDE, 3]), ("tensor(float)", [len(CLASS_NAMES)])
    expected = [("image", *image), ("probabilities", *probabilities)]
    if found != expected:
        raise refused(path, f"inputs and outputs are {found}, expected {expected}")
    return session


@dataclass(frozen=True)
class Background:
    """What a saved model knows of its training.

    Parameters
    ----------
    temperature : the one fitted on validation images (`helpers.evaluation`)
    source : the training images in words, as in `helpers.data.Cells`
    is_synthetic : whether this project drew them
    codes : (n,) uint64, ascending: `image_codes` of the training images
    look : what they look like, or None where that is not known
    """

    temperature: float
    source: str
    is_synthetic: bool
    codes: np.ndarray
    look: features.Look | None = None


def image_codes(images: np.ndarray) -> np.ndarray:
    """Return (N,) uint64 for N images: the first eight bytes of the SHA-256 of each image's pixels."""
    digests = [hashlib.sha256(image.data).digest()[:8] for image in np.ascontiguousarray(images)]
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def background_text(background: Background) -> str:
    """Return the background as JSON, in which arrays are base64 of little-endian numbers."""
    look = background.look
    record = vars(background) | {"codes": _encode(background.codes, "<u8")}
    if look is not None:
        record["look"] = [_encode(look.constants, "<f4"), _encode(look.factors, "<f4"), look.threshold]
    return json.dumps(record, ensure_ascii=False, allow_nan=False)


def _encode(values: np.ndarray, dtype: str) -> str:
    return base64.b64encode(values.astype(dtype).tobytes()).decode()


def _decode(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype).astype(np.dtype(dtype).kind + "8")


def write_background(model: Path, background: Background) -> None:
    """Put the background into a .keras or .skops file, in the place of the one that it may hold.

    The file still loads in plain Keras. The same input gives the same bytes.
    """
    with (
        written_atomically(model) as temporary,
        zipfile.ZipFile(model) as old,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in [each for each in old.infolist() if each.filename != BACKGROUND]:
            new.writestr(member, old.read(member))
        new.writestr(zipfile.ZipInfo(BACKGROUND), background_text(background), zipfile.ZIP_DEFLATED)


def read_background(model: Path) -> Background | None:
    """Return the background stored in a saved model of any kind, or None if there is none.

    InputError if the file cannot be read or its background is damaged or longer than `LONGEST_BACKGROUND`.
    """
    with refusing(model, "a model with a background"):
        if model.suffix == ".onnx":
            text = _open_onnx(model).get_modelmeta().custom_metadata_map.get(BACKGROUND)
        else:
            with zipfile.ZipFile(model) as archive:
                known = BACKGROUND in archive.namelist()
                text = archive.open(BACKGROUND).read(LONGEST_BACKGROUND + 1).decode() if known else None
    if text is None:
        return None
    with refusing(model, "a model with a sound background"):
        if len(text) > LONGEST_BACKGROUND:
            raise ValueError(f"more than {LONGEST_BACKGROUND:,} characters found")
        return _parse_background(json.loads(text))


def _parse_background(record: dict[str, Any]) -> Background:
    """Return the background in what `background_text` wrote; ValueError, KeyError or TypeError on other things."""
    temperature, source, look = float(record["temperature"]), record["source"], record["look"]
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature {temperature} found, expected a positive number")
    if not isinstance(source, str) or not isinstance(record["is_synthetic"], bool):
        raise TypeError("expected a text as source and true or false as is_synthetic")
    if look is not None:
        constants, factors = _decode(look[0], "<f4"), _decode(look[1], "<f4")
        side = round(np.sqrt(len(factors) / len(constants)))  # of F + 1 by F numbers
        look = features.Look(constants, factors.reshape(-1, side + 1, side), float(look[2]))
        # whatever does not fit together shows in use
        if not np.isfinite(
            [look.threshold, *look.log_likelihood(np.zeros((1, SIDE, SIDE, 3), np.uint8))]
        ).all():
            raise ValueError("a look with numbers that are not finite found")
    codes = _decode(record["codes"], "<u8")
    return Background(temperature, printable(source), record["is_synthetic"], codes, look)
