"""What a model costs: operations per image, time per image, energy of its training."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import THREADS
from helpers.scoring import Scorer, load_network, load_scorer

WATTS_PER_CORE = 12.0
"""Assumed of a busy core where no energy was measured (Lannelongue et al. 2021, doi:10.1002/advs.202100707)."""

BATCH = 256
"""Images in a batch when inference is timed; fewer where there are not so many."""

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of Intel and AMD processors (RAPL); usually to root only."""


def count_flops(network: Any) -> int:
    """Return the floating-point operations of a Keras network for one image.

    Two per multiply-add of convolutions and dense layers; the rest is left out, as is usual.
    """
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    # a weight is used once per position of the output, of which a dense layer has one
    return sum(2 * int(np.prod((*layer.kernel.shape, *layer.output.shape[1:-1]))) for layer in kernels)


def inference_seconds(scorer: Scorer, images: np.ndarray, repeats: int = 3) -> float:
    """Return the median seconds in which ``scorer`` answers for all ``images`` at once, after one warm-up."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        scorer(images)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[1:]))


def start_energy_meter(powercap: Path = POWERCAP) -> Callable[[], float | None]:
    """Return a function that tells the joules all processors used since now, or None where none can be read."""
    before = _read_counters(powercap)

    def joules_since() -> float | None:
        after = _read_counters(powercap)
        if not before.size or before.shape != after.shape:
            return None
        # a counter starts again at 0 after its largest value
        return float(np.sum((after - before)[:, 0] % (before[:, 1] + 1)) / 1e6)

    return joules_since


def _read_counters(powercap: Path) -> np.ndarray:
    files = ("energy_uj", "max_energy_range_uj")
    try:  # "intel-rapl:0" is a package, "intel-rapl:0:1" a part of it
        zones = sorted(powercap.glob("*-rapl:[0-9]"))
        values = [[int((zone / file).read_text()) for file in files] for zone in zones]
    except (OSError, ValueError):
        return np.empty((0, 2))
    return np.array(values)


def cost_table(models: dict[str, dict[str, Any]], paths: dict[str, Path], images: np.ndarray) -> pd.DataFrame:
    """Return a row per model of results.json, saved at ``paths``; times are measured now, on uint8 ``images``.

    The energy of a training is its "train_joules" where they were measured, else estimated from its seconds.
    """
    rows = {}
    for name, model in models.items():
        scorer, seconds, joules = load_scorer(paths[name]), model["train_seconds"], model.get("train_joules")
        is_network = paths[name].suffix == ".keras"
        rows[name] = {
            "accuracy": model["test_accuracy"],
            "parameters": np.nan if model["params"] is None else model["params"],
            "MFLOP per image": count_flops(load_network(paths[name])) / 1e6 if is_network else np.nan,
            "training, minutes": seconds / 60,
            "energy, Wh": (seconds * THREADS * WATTS_PER_CORE if joules is None else joules) / 3600,
            "energy is": "estimated" if joules is None else "measured",
            "one image, ms": 1e3 * inference_seconds(scorer, images[:1]),
            "of a batch, ms": 1e3 * inference_seconds(scorer, images[:BATCH]) / len(images[:BATCH]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"parameters": "Int64"}).rename_axis("model")
