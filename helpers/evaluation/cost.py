"""What a model costs: operations per image, and the time of its training and of its answers."""

import gc
import time
import timeit
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers import networks
from helpers.evaluation.scores import Scores
from helpers.saved_models import Predictor


def count_flops(network: Any) -> int:
    """Return the floating-point operations for one image, two per multiply-add of convolutions and dense layers."""
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    # a weight is used once per position of the output, of which a dense layer has one
    return sum(2 * int(np.prod((*layer.kernel.shape, *layer.output.shape[1:-1]))) for layer in kernels)


def inference_seconds(predictor: Predictor, images: np.ndarray) -> float:
    """Return the seconds that ``predictor`` takes for all ``images`` at once: the median of three, after a warm-up."""
    seconds = timeit.repeat(lambda: predictor(images), timer=time.perf_counter, repeat=4, number=1)
    return float(np.median(seconds[1:]))


def cost_table(models: Scores, predictors: Mapping[str, Predictor], images: np.ndarray) -> pd.DataFrame:
    """Return a row per model of results.json; times are measured now, on a batch of uint8 ``images``.

    Columns: accuracy, params, mflops (of an image), train_minutes, single_ms, batch_ms (an image alone, in a batch).
    """
    rows = {}
    for name, model in models.items():
        network = model["recipe"].get("network")
        rows[name] = {
            "accuracy": model["test_accuracy"],
            "params": np.nan if model["params"] is None else model["params"],
            "mflops": count_flops(networks.build(network)) / 1e6 if network else np.nan,
            "train_minutes": model["train_seconds"] / 60,
            "single_ms": 1e3 * inference_seconds(predictors[name], images[:1]),
            "batch_ms": 1e3 * inference_seconds(predictors[name], images) / len(images),
        }
        gc.collect()  # the network that was built refers to itself: only this frees its weights
    return pd.DataFrame.from_dict(rows, orient="index").astype({"params": "Int64"}).rename_axis("model")
