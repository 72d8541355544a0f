"""What a model costs: operations per image, time per image, energy of its training."""

import gc
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers import BATCH
from helpers.energy import WATTS_PER_CORE
from helpers.models import build
from helpers.scoring import Predictor


def count_flops(network: Any) -> int:
    """Return the floating-point operations of a Keras network for one image.

    Two per multiply-add of convolutions and dense layers; the rest is left out, as is usual.
    """
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    # a weight is used once per position of the output, of which a dense layer has one
    return sum(2 * int(np.prod((*layer.kernel.shape, *layer.output.shape[1:-1]))) for layer in kernels)


def inference_seconds(scorer: Predictor, images: np.ndarray, repeats: int = 3) -> float:
    """Return the median seconds in which ``scorer`` answers for all ``images`` at once, after one warm-up."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        scorer(images)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[1:]))


def cost_table(
    models: dict[str, dict[str, Any]], scorers: Mapping[str, Predictor], images: np.ndarray
) -> pd.DataFrame:
    """Return a row per model of results.json; times are those of its scorer, measured now, on uint8 ``images``.

    The energy of a training is its "train_joules" where they were measured, else estimated from seconds and threads.
    """
    rows = {}
    for name, model in models.items():
        seconds, joules, threads = (model[f"train_{key}"] for key in ("seconds", "joules", "threads"))
        network = model["recipe"].get("network")
        rows[name] = {
            "accuracy": model["test_accuracy"],
            "parameters": np.nan if model["params"] is None else model["params"],
            "MFLOP per image": count_flops(build(network)) / 1e6 if network else np.nan,
            "training, minutes": seconds / 60,
            "energy, Wh": (seconds * threads * WATTS_PER_CORE if joules is None else joules) / 3600,
            "energy is": "estimated" if joules is None else "measured",
            "one image, ms": 1e3 * inference_seconds(scorers[name], images[:1]),
            "of a batch, ms": 1e3 * inference_seconds(scorers[name], images[:BATCH]) / len(images[:BATCH]),
        }
        gc.collect()  # the network that was built refers to itself: only this frees its weights
    return pd.DataFrame.from_dict(rows, orient="index").astype({"parameters": "Int64"}).rename_axis("model")
