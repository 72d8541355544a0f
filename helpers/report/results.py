"""results.json and the files beside it: scores, saved models, test predictions and provenance."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import evaluation
from helpers.cache_keys import LIBRARIES, versions
from helpers.data import DROPPED, SPLIT_NAMES, Cells, dropped_images
from helpers.evaluation import Scores
from helpers.features import Look, fit_look
from helpers.files import ROOT, write_json, write_text, written_atomically
from helpers.networks import Run
from helpers.notation import with_interval
from helpers.recipes import THREADS
from helpers.report.summary import model_card, summarise
from helpers.saved_models import Background, image_codes, write_background
from helpers.study import Runs, Study

Probabilities = dict[str, list[np.ndarray]]  # by model name, one (N, 8) array of test probabilities per seed


def score_models(study: Study, runs: Runs, probabilities: Probabilities) -> Scores:
    """Return the "models" of results.json.

    ``val_accuracy``, ``test_accuracy`` and its Wilson interval belong to the mean over the seeds, and ``seed_spread``
    says how much the seeds differ. All other scores belong to the saved model, that of seed 0, as do their intervals
    over the test images (``bootstrap_ci95``) and its ``calibration``, with a temperature from the validation images.
    """
    labels = study.open_test().labels
    models = {}
    for name, seeds in runs.items():
        scores = [evaluation.score(labels, p) for p in probabilities[name]]
        by_seed = [each["accuracy"] for each in scores]
        accuracy, record = float(np.mean(by_seed)), seeds[0].record
        models[name] = {
            "val_accuracy": float(np.mean([run.record["val_accuracy"] for run in seeds])),
            "test_accuracy": accuracy,
            "test_accuracy_ci95": list(evaluation.accuracy_interval(accuracy * len(labels), len(labels))),
            "test_accuracy_ci95_method": "Wilson, mean over seeds",
            "test_accuracy_by_seed": by_seed,
            "bootstrap_ci95": {
                "method": f"percentiles of {evaluation.RESAMPLES:,} resamples of the test images, seed 0",
                **evaluation.bootstrap_intervals(labels, probabilities[name][0]),
            },
            "seed_spread": evaluation.spread_over_seeds(scores),
            "seeds": [run.seed for run in seeds],
            **{key: value for key, value in scores[0].items() if not key.startswith("accuracy")},
            "calibration": _calibration(study, seeds[0], labels, probabilities[name][0]),
            "params": record["params"],
            "train_seconds": float(np.mean([run.record["train_seconds"] for run in seeds])),
            "train_threads": record["threads"],
            "train_images": record["train_images"],
            "recipe": record.get("recipe", record.get("chosen")),
            "file": f"models/{name}{seeds[0].model_path.suffix}",
        }
    return models


def _calibration(study: Study, run: Run, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the temperature fitted on validation images, and its effect on the test probabilities.

    ``ece`` is the expected calibration error before it and ``ece_calibrated`` the one after it.
    """
    temperature = evaluation.fit_temperature(study.validation.labels, run.validation_probabilities())
    calibrated = evaluation.apply_temperature(probabilities, temperature)
    return {
        "temperature": temperature,
        "ece": evaluation.expected_calibration_error(labels, probabilities),
        "ece_calibrated": evaluation.expected_calibration_error(labels, calibrated),
        "log_loss_calibrated": evaluation.score(labels, calibrated)["log_loss"],
    }


def save_models(study: Study, runs: Runs, models: Scores, external: Scores) -> Look:
    """Copy each model of seed 0 to ``OUT/models``, with a `Background` inside, whose look is returned.

    ``external`` is what `helpers.evaluation.score_external` returns, empty where there are no external cells.
    """
    train, cells = study.train.images, study.cells
    codes, look = np.sort(image_codes(train)), fit_look(train, study.validation.images)
    for name, seeds in runs.items():
        model, temperature = models[name], models[name]["calibration"]["temperature"]
        accuracy, n = model["test_accuracy_by_seed"][0], model["n"]
        score = {"accuracy": accuracy, "accuracy_ci95": evaluation.accuracy_interval(accuracy * n, n), "n": n}
        measured = f"{with_interval(score)} on test images"
        if name in external:
            measured += f" and {with_interval(external[name])} on images of another laboratory"
        background = Background(temperature, cells.source, cells.is_synthetic, codes, look, measured)
        with written_atomically(study.out / model["file"]) as temporary:
            shutil.copyfile(seeds[0].model_path, temporary)
            write_background(temporary, background)
    return look


def describe_data(study: Study, external: Cells | None = None) -> dict[str, Any]:
    """Return the "data" of results.json: where the cells come from and how they are split."""
    cells, split = study.cells, study.split
    return _describe_cells(cells) | {
        "is_synthetic": cells.is_synthetic,
        "classes": split.counts(np.asarray(cells.labels)).drop("all").sum(axis=1).to_dict(),
        "split": {part: len(split.indices(part)) for part in (*SPLIT_NAMES, DROPPED)},
        "split_origin": split.origin,
        "external": external and _describe_cells(external),
    }


def _describe_cells(cells: Cells) -> dict[str, Any]:
    texts = {"notes": list(cells.notes), "warnings": list(cells.warnings)}
    return {"source": cells.source, "images": len(cells), "sha256": cells.sha256} | texts


def describe_provenance(study: Study) -> dict[str, Any]:
    """Return what a reader needs to get the same digits: code, packages, machine, data, split and seeds."""
    changes = _git("status", "--porcelain")
    cpuinfo = Path("/proc/cpuinfo")
    processor = re.search(r"model name\s*:(.+)", cpuinfo.read_text("utf-8")) if cpuinfo.exists() else None
    return {
        "commit": _git("rev-parse", "HEAD"),
        "tree_is_clean": None if changes is None else not changes,
        "date": date.today().isoformat(),
        "profile": study.profile_name,
        "seeds": {name: list(range(seeds)) for name, (_, seeds) in study.profile.trainings.items()},
        "data_sha256": study.cells.sha256,
        "split_sha256": study.split.sha256,
        "python": sys.version.split()[0],
        "packages": versions(*LIBRARIES),
        "system": platform.platform(),
        "processor": processor[1].strip() if processor else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads_per_training": THREADS,
    }


def _git(*arguments: str) -> str | None:
    try:
        # of a copy inside another repository, the commits are not asked for
        command = ["git", "-C", str(ROOT), "--git-dir=.git", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def write_results(
    study: Study, models: Scores, measured: Scores, claims: list[dict], pairs: pd.DataFrame, external: Cells | None
) -> dict[str, Any]:
    """Write ``OUT/results.json`` and the model card beside it, and return the content of results.json.

    ``models`` comes from `score_models`, ``measured`` holds other results by key and model name, and ``pairs`` is as in
    `summarise`.
    """
    results: dict[str, Any] = {
        "summary": {},
        "provenance": describe_provenance(study),
        "data": describe_data(study, external),
        "models": {
            name: model | {key: values[name] for key, values in measured.items() if name in values}
            for name, model in models.items()
        },
        "claims": claims,
    }
    results["summary"] = summarise(results, pairs)
    write_json(study.out / "results.json", results)
    write_text(study.out / "MODEL_CARD.md", model_card(results))
    return results


def add_run_details(out: Path, command: str, source: dict[str, str], notebooks: dict[str, Any]) -> None:
    """Add to results.json what only the runner knows: the command, the source of the data, seconds and memory."""
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    results["data"] |= source
    results["provenance"] |= {"command": command, "notebooks": notebooks}
    write_json(out / "results.json", results)


def write_tables(study: Study, probabilities: Probabilities, shared_errors: pd.DataFrame) -> None:
    """Write the tables beside results.json: the split, the dropped images, the test predictions and the shared errors.

    split.csv and dropped.csv have a row per image, and shared_errors.csv is `helpers.evaluation.shared_errors`.
    test_predictions.npz holds index and label of each test image, and the probabilities by model and seed.
    """
    split, labels = study.split, study.cells.labels
    columns = {"pixel_sha256": split.pixel_sha256, "label": labels, "split": split.parts}
    tables = {
        "split.csv": pd.DataFrame({"index": np.arange(len(study.cells)), **columns}),
        "dropped.csv": dropped_images(study.cells, split),
        "shared_errors.csv": shared_errors,
    }
    for name, table in tables.items():
        write_text(study.out / name, table.to_csv(index=False, lineterminator="\n"))
    arrays = {"index": split.indices("test"), "labels": study.open_test().labels}
    arrays |= {f"{name}_seed{i}": p for name, seeds in probabilities.items() for i, p in enumerate(seeds)}
    with written_atomically(study.out / "test_predictions.npz") as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
