"""A finished training as a folder: the model, what it said about the validation images, and its record."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.preprocessing import Part
from helpers.storage import write_json

RECORD = "run.json"


@dataclass(frozen=True)
class Run:
    """A finished training (model x seed), read back from its folder."""

    folder: Path
    record: dict[str, Any]

    @property
    def seed(self) -> int:
        """Seed of everything random in the training."""
        return int(self.record["seed"])

    @property
    def model_path(self) -> Path:
        """The saved model, ``.keras`` or ``.skops``: uint8 images in, probabilities out."""
        return self.folder / str(self.record["model_file"])

    def history(self) -> pd.DataFrame:
        """Return one row per epoch: loss, accuracy, val_loss, val_accuracy, seconds (networks only)."""
        return pd.read_csv(self.folder / "history.csv", index_col="epoch")

    def validation_probabilities(self) -> np.ndarray:
        """Return (N, 8) probabilities of the validation images."""
        with np.load(self.folder / "validation.npz", allow_pickle=False) as archive:
            probabilities: np.ndarray = archive["probabilities"]
        return probabilities


def read_run(folder: Path) -> Run:
    """Return the run kept in ``folder``."""
    return Run(folder, json.loads((folder / RECORD).read_text(encoding="utf-8")))


def finished_run(folder: Path) -> Run | None:
    """Return the run kept in ``folder``, or None where there is none or a part of it is missing or cut off."""
    try:
        run = read_run(folder)
        run.validation_probabilities()
        if run.model_path.suffix == ".keras" and len(run.history()) != run.record["epochs_run"]:
            return None
        return run if zipfile.is_zipfile(run.model_path) else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def write_run(
    folder: Path, record: dict[str, Any], probabilities: np.ndarray, train: Part, validation: Part
) -> dict[str, Any]:
    """Write (N, 8) validation probabilities and record into ``folder``; return the record with its accuracy added."""
    np.savez_compressed(folder / "validation.npz", probabilities=probabilities)
    record = {
        **record,
        "val_accuracy": float(np.mean(probabilities.argmax(axis=1) == validation.labels)),
        "train_images": len(train.labels),
        "validation_images": len(validation.labels),
    }
    write_json(folder / RECORD, record)
    return record


def not_judged(runs: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """Return the networks that the training of their first seed is no fit to judge by, and why."""
    doubts = {name: why_not_judged(seeds[0]) for name, seeds in runs.items()}
    return {name: why for name, why in doubts.items() if why}


def why_not_judged(run: Run) -> str | None:
    """Return why a training says too little about what its network can do, or None where it says enough.

    The network saw fewer images than there are, or each of them once only; validation accuracy was still rising, by
    more than a point over its best before the last epoch; or it ended at less than half the training accuracy, so
    that the running averages of a batch normalisation have not caught up.
    """
    history = run.history()
    accuracy, in_training = history["val_accuracy"].to_numpy(), history["accuracy"].to_numpy()
    if len(accuracy) * int(run.record["epoch_images"]) < run.record["train_images"]:
        return "it saw fewer images than there are"
    if len(accuracy) < 2:
        return "a single epoch does not tell whether its validation accuracy was still rising"
    if accuracy[-1] > accuracy[:-1].max() + 0.01:
        return "its validation accuracy was still rising"
    if accuracy[-1] < in_training[-1] / 2:
        return "its validation accuracy ended below half its training accuracy"
    return None
