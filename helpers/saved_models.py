"""Saved models of every kind as functions from uint8 images to probabilities."""

import base64
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from helpers import features, networks
from helpers.data import CLASS_NAMES, SIDE, hash_pixels
from helpers.errors import InputError, printable, refused, refusing
from helpers.recipes import BATCH, THREADS

Predictor = Callable[[np.ndarray], np.ndarray]  # from (N, 48, 48, 3) uint8 images to (N, 8) probabilities

BACKGROUND = "background.json"
"""Name of a model's `Background` in its file: a member of .keras and .skops (both are zips), a property of .onnx."""
LONGEST_BACKGROUND = 2**24  # characters of a background: a million training images are 11 million
LARGEST_NETWORK = 2**30  # bytes that a .keras file may unpack to; AlexNet has 55 million

ARRAYS = {"codes": "<u8", "weights": "<f4", "means": "<f4", "roots": "<f4"}
"""Types of the numbers that a background holds as base64."""

FOREIGN = {
    **dict.fromkeys((".h5", ".hdf5", ".pb", ".tflite"), "a TensorFlow model of another format"),
    **dict.fromkeys((".pt", ".pth"), "a PyTorch model, which is a pickle"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which could run any code"),
}
"""Suffix of models that are not opened, and what they are."""
CONVERT = (
    "open it where it was trained and save it as .keras, or export it to .onnx with the input 'image' "
    "(uint8, N x 48 x 48 x 3) and the output 'probabilities' (float32, N x 8)"
)
"""What to do with a model of another kind."""


def load_predictor(path: Path) -> Predictor:
    """Return the saved model at ``path`` (.keras, .skops or .onnx) as a function from images to probabilities.

    Nothing is unpickled, and no code in a file is run. Only .keras needs TensorFlow. InputError if there is no such
    file or it is not a model of this project.
    """
    with refusing(path, "a saved model"):  # the name may be too long for the file system
        is_folder = (path / "saved_model.pb").exists()
        if kind := "a TensorFlow SavedModel" if is_folder else FOREIGN.get(path.suffix.lower()):
            raise refused(path, f"is {kind}; {CONVERT}")
        if not path.is_file():
            raise refused(path, "no such file, expected a saved model (.keras, .skops or .onnx)")
    if path.suffix == ".skops":
        return partial(features.predict_probabilities, features.load_classical(path))
    if path.suffix == ".keras":
        return partial(networks.predict_probabilities, load_network(path))
    if path.suffix == ".onnx":
        return partial(_predict_onnx, _open_onnx(path), path)
    raise refused(path, f"suffix {path.suffix!r} found, expected a saved model (.keras, .skops or .onnx)")


def load_network(path: Path) -> Any:
    """Return the Keras network saved at ``path``; InputError if it is not one or has other shapes than ours."""
    try:
        with refusing(path, "a Keras model"):
            declared, held = _bytes_of_weights(path)
            if declared <= held <= LARGEST_NETWORK:
                network = networks.keras.saving.load_model(path, compile=False, safe_mode=True)
                found = (network.input_shape, network.output_shape)
    except InputError as error:
        refusal = error
        with suppress(Exception), zipfile.ZipFile(path) as archive:  # a file without a version is damaged
            version = json.loads(archive.read("metadata.json"))["keras_version"]
            ours = networks.keras.__version__
            why = f"of Keras {version} cannot be loaded by Keras {ours}, or needs code of its own, or is damaged"
            refusal = refused(path, f"this network {why}; {CONVERT}")
        raise refusal from None
    if not declared <= held <= LARGEST_NETWORK:
        sizes = f"declares at least {declared:,} bytes of weights and holds {held:,} bytes"
        raise refused(path, f"{sizes}, expected fewer declared than held, and {LARGEST_NETWORK:,} at most")
    expected = ((None, SIDE, SIDE, 3), (None, len(CLASS_NAMES)))
    if found not in (expected, ((None, None, None, 3), expected[1])):  # some take images of any size
        raise refused(path, f"maps {found[0]} to {found[1]}, expected {expected[0]} to {expected[1]}")
    return network


def _bytes_of_weights(path: Path) -> tuple[int, int]:
    """Return the bytes of weights that a .keras file declares, at two each, and those it unpacks to; allocate none."""
    with zipfile.ZipFile(path) as archive, networks.keras.StatelessScope(initialize_variables=False):
        held = sum(entry.file_size for entry in archive.infolist())
        if held > LARGEST_NETWORK:
            return 0, held
        config = json.loads(archive.read("config.json")) | {"compile_config": None}
        network = networks.keras.saving.deserialize_keras_object(config, safe_mode=True)
        return sum(2 * prod(weight.shape) for weight in network.weights), held


def doubt_of_scaling(path: Path) -> str:
    """Return a sentence if the model at ``path`` is a .keras network without a layer that scales pixels; else ""."""
    if path.suffix != ".keras":
        return ""
    with refusing(path, "a Keras model"), zipfile.ZipFile(path) as archive:
        if re.search(rb'"class_name": "(Rescaling|Normalization|TrueDivide)"', archive.read("config.json")):
            return ""
    return "The network has no layer that scales pixels, so it is right only if trained on pixels of 0 to 255."


def as_probabilities(outputs: np.ndarray) -> tuple[np.ndarray, str]:
    """Return a model's (N, 8) outputs as probabilities, and a sentence on what had to be done for it or ""."""
    sums = outputs.sum(axis=1, keepdims=True)
    if outputs.min() >= -1e-3 and (np.abs(sums - 1) <= 1e-3).all():
        return outputs, ""
    are_shares = outputs.min() >= 0 and (outputs.max() <= 1 or (np.abs(sums - 100) <= 0.1).all())
    if are_shares and sums.min() > 0:
        probabilities, done = outputs / sums, "we divided those of each image by their sum"
    else:
        probabilities, done = softmax(outputs, axis=1), "we took them for logits and applied softmax"
    found = f"({outputs.min():.3g} to {outputs.max():.3g})"
    return probabilities, f"The model’s outputs are no probabilities {found}, so {done}."


def _open_onnx(path: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.use_env_allocators", "1")  # that is, the one below
    place = ("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT)
    limit = onnxruntime.OrtArenaCfg({"max_mem": 2 * LARGEST_NETWORK})
    onnxruntime.create_and_register_allocator(onnxruntime.OrtMemoryInfo(*place), limit)
    with refusing(path, "an ONNX model"):
        # from bytes, which refuses a model that refers to other files
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        found = [(end.name, end.type, list(end.shape[1:])) for end in [*session.get_inputs(), *session.get_outputs()]]
    image, probabilities = ("tensor(uint8)", [SIDE, SIDE, 3]), ("tensor(float)", [len(CLASS_NAMES)])
    expected = [("image", *image), ("probabilities", *probabilities)]
    if found != expected:
        raise refused(path, f"inputs and outputs are {found}, expected {expected}")
    return session


def _predict_onnx(session: Any, path: Path, images: np.ndarray) -> np.ndarray:
    batches = (images[at : at + BATCH] for at in range(0, len(images), BATCH))
    with refusing(path, "an ONNX model with an answer per image, in 2 GiB of memory"):
        return np.vstack([session.run(None, {"image": batch})[0] for batch in batches]).reshape(len(images), 8)


@dataclass(frozen=True)
class Background:
    """What a saved model knows of its training."""

    temperature: float  # the one fitted on validation images (`helpers.evaluation`)
    source: str  # the training images in words, as in `helpers.data.Cells`
    is_synthetic: bool  # whether this project drew them
    codes: np.ndarray  # (n,) uint64, ascending: `image_codes` of the training images
    look: features.Look  # what they look like
    measured: str = ""  # its accuracy in words, as in "98.9 % … on test images"; empty where that is not known


def image_codes(images: np.ndarray) -> np.ndarray:
    """Return (N,) uint64 for N images: the first eight bytes of the SHA-256 of each image's pixels."""
    return np.array([int(digest[:16], 16) for digest in hash_pixels(images)], np.uint64)


def background_text(background: Background) -> str:
    """Return the background as JSON, in which arrays are base64 of little-endian numbers."""
    record = vars(background) | vars(background.look)
    del record["look"]
    for name, dtype in ARRAYS.items():
        record[name] = base64.b64encode(record[name].astype(dtype).tobytes()).decode()
    return json.dumps(record, ensure_ascii=False, allow_nan=False)


def write_background(model: Path, background: Background) -> None:
    """Add the background to a .keras or .skops file that has none; the same input gives the same bytes.

    The file still loads in plain Keras.
    """
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr(zipfile.ZipInfo(BACKGROUND), background_text(background), zipfile.ZIP_DEFLATED)


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
        if len(text) > LONGEST_BACKGROUND:
            raise ValueError(f"more than {LONGEST_BACKGROUND:,} characters found")
        record = json.loads(text)
        codes, weights, means, roots = (
            np.frombuffer(base64.b64decode(record[name], validate=True), dtype) for name, dtype in ARRAYS.items()
        )
        look = features.Look(weights, means, roots, float(record["threshold"]))
        temperature = float(record["temperature"])
        # what does not fit together shows in use
        numbers = [temperature, look.threshold, *look.log_likelihood(np.zeros((1, SIDE, SIDE, 3), np.uint8))]
        if not np.isfinite(numbers).all() or temperature <= 0:
            raise ValueError("numbers that are not finite, or a temperature that is not positive, found")
        source, measured = printable(record["source"]), printable(record.get("measured", ""))
        return Background(temperature, source, bool(record["is_synthetic"]), codes, look, measured)
