"""A finished training run as a folder with its model, its validation probabilities and its record."""

import _thread
import json
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import Part
from helpers.files import folder_written_atomically, write_json

RECORD = "run.json"


@dataclass(frozen=True)
class Run:
    """A finished training run (model x seed), read back from its folder."""

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
        return np.asarray(np.load(self.folder / "validation.npy", allow_pickle=False))


def read_run(folder: Path) -> Run:
    """Return the run kept in ``folder``."""
    return Run(folder, json.loads((folder / RECORD).read_text(encoding="utf-8")))


def finished_run(folder: Path) -> Run | None:
    """Return the run kept in ``folder``, or None where there is none or a part of it is missing or cut off."""
    try:
        run = read_run(folder)
        run.validation_probabilities()
        has_history = run.model_path.suffix != ".keras" or len(run.history()) == run.record["epochs_run"]
        return run if has_history and zipfile.is_zipfile(run.model_path) else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def load_or_compute_run(
    folder: Path, compute: Callable[[Path], tuple[dict[str, Any], np.ndarray]], train: Part, validation: Part
) -> Run:
    """Return the run kept in ``folder`` where it is there and whole, else the one that ``compute`` makes now.

    ``compute`` fits a model, saves it in the folder it is given, and returns its record and the (N, 8) probabilities
    of the validation images. A killed process leaves nothing that counts.
    """
    if found := finished_run(folder):
        return found
    with folder_written_atomically(folder) as temporary:
        record, probabilities = compute(temporary)
        np.save(temporary / "validation.npy", probabilities)
        record |= {
            "val_accuracy": float(np.mean(probabilities.argmax(axis=1) == validation.labels)),
            "train_images": len(train.labels),
            "validation_images": len(validation.labels),
        }
        write_json(temporary / RECORD, record)
    return read_run(folder)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


ENDS_WITH_PARENT: dict[str, Any] = {"initializer": _thread.start_new_thread, "initargs": (_end_with, (os.getpid(),))}
"""Options of a pool whose processes end soon after this one: nobody would take their results."""
