"""results.json and what stands beside it: the models' scores, the saved models, the test predictions."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import DROPPED, SPLIT_NAMES, Cells, dropped_images
from helpers.evaluation import (
    RESAMPLES,
    accuracy_interval,
    apply_temperature,
    bootstrap_intervals,
    chance_calibration_error,
    expected_calibration_error,
    fit_temperature,
    score,
    spread,
)
from helpers.files import write_json, write_text, written_atomically
from helpers.networks import Run
from helpers.report.model_card import model_card
from helpers.report.provenance import describe_provenance
from helpers.report.summary import summarise
from helpers.saved_models import Predictor, load_predictor, write_temperature
from helpers.study import Study

FIRST_SEED_SCORES = (
    "balanced_accuracy", "macro_f1", "macro_roc_auc", "log_loss", "brier", "recall", "precision", "roc_auc",
    "support",
)  # fmt: skip

Probabilities = dict[str, list[np.ndarray]]
"""By model name, one (N, 8) array of test probabilities per seed."""


def predict_test(study: Study, runs: dict[str, list[Run]], firsts: Mapping[str, Predictor]) -> Probabilities:
    """Return every model's probabilities for the test images, one array per seed; ``firsts`` score the first seeds."""
    images = study.open_test().images
    return {
        name: [
            predictor(images)
            for predictor in (firsts[name], *(load_predictor(run.model_path) for run in seeds[1:]))
        ]
        for name, seeds in runs.items()
    }


def score_models(
    study: Study, runs: dict[str, list[Run]], probabilities: Probabilities
) -> dict[str, dict[str, Any]]:
    """Return the "models" of results.json.

    ``val_accuracy``, ``test_accuracy`` and its Wilson interval are of the mean over the seeds; ``seed_spread`` says
    how far the seeds lie apart. Every other score is that of the first seed, which is the model saved, and so are
    its intervals over the test images, ``bootstrap_ci95``, and its ``calibration``, whose temperature comes from
    the validation images.
    """
    labels = study.open_test().labels
    models = {}
    for name, seeds in runs.items():
        scores = [score(labels, p) for p in probabilities[name]]
        by_seed = [each["accuracy"] for each in scores]
        accuracy, first = float(np.mean(by_seed)), scores[0]
        record = seeds[0].record
        models[name] = {
            "val_accuracy": float(np.mean([run.record["val_accuracy"] for run in seeds])),
            "test_accuracy": accuracy,
            "test_accuracy_ci95": list(accuracy_interval(accuracy * len(labels), len(labels))),
            "test_accuracy_ci95_method": "Wilson, mean over seeds",
            "test_accuracy_by_seed": by_seed,
            "bootstrap_ci95": {
                "method": f"percentiles of {RESAMPLES:,} resamples of the test images, first seed",
                **bootstrap_intervals(labels, probabilities[name][0]),
            },
            "seed_spread": {
                key: spread([each[key] for each in scores])
                for key in ("accuracy", "balanced_accuracy", "macro_f1")
            },
            "seeds": [run.seed for run in seeds],
            "n": first["n"],
            **{key: first[key] for key in FIRST_SEED_SCORES},
            "calibration": calibrate(study, seeds[0], labels, probabilities[name][0]),
            "params": record["params"],
            "train_seconds": float(np.mean([run.record["train_seconds"] for run in seeds])),
            "train_threads": record["threads"],
            "train_images": record["train_images"],
            "recipe": record.get("recipe", record.get("chosen")),
            "file": f"models/{name}{seeds[0].model_path.suffix}",
        }
    return models


def calibrate(study: Study, run: Run, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the temperature that validation images give a model, and what it does to its test probabilities.

    dict with temperature; ece (expected calibration error) before, ece_calibrated after, and ece_by_chance, which
    95 of 100 perfectly calibrated models of the confidences after it stay below; log_loss_calibrated
    """
    temperature = fit_temperature(study.validation.labels, run.validation_probabilities())
    calibrated = apply_temperature(probabilities, temperature)
    return {
        "temperature": temperature,
        "ece": expected_calibration_error(labels, probabilities),
        "ece_calibrated": expected_calibration_error(labels, calibrated),
        "ece_by_chance": chance_calibration_error(calibrated),
        "log_loss_calibrated": score(labels, calibrated)["log_loss"],
    }


def save_models(study: Study, runs: dict[str, list[Run]], models: dict[str, dict[str, Any]]) -> None:
    """Copy the first seed's model of each name to ``OUT/models``, with its temperature inside."""
    for name, seeds in runs.items():
        source = seeds[0].model_path
        with written_atomically(study.out / "models" / f"{name}{source.suffix}") as temporary:
            shutil.copyfile(source, temporary)
            write_temperature(temporary, models[name]["calibration"]["temperature"])


def write_results(
    study: Study,
    models: dict[str, dict[str, Any]],
    measured: dict[str, dict[str, Any]],
    claims: list[dict[str, str]],
    pairs: pd.DataFrame,
    external: Cells | None = None,
) -> dict[str, Any]:
    """Write ``OUT/results.json`` and the model card beside it; return what results.json says.

    ``models`` is what `score_models` gives; ``measured`` what else was measured of them, by key and model name;
    ``pairs`` as in `summarise`.
    """
    cells, split = study.cells, study.split
    models = {
        name: model | {key: values[name] for key, values in measured.items() if name in values}
        for name, model in models.items()
    }
    results = {
        "summary": summarise(study, models, claims, pairs),
        "provenance": describe_provenance(study),
        "data": {
            "source": cells.source,
            "is_synthetic": cells.is_synthetic,
            "notes": list(cells.notes),
            "images": len(cells),
            "sha256": cells.sha256,
            "split": {part: len(split.indices(part)) for part in (*SPLIT_NAMES, DROPPED)},
            "split_origin": split.origin,
            "split_sha256": split.sha256,
            "external": external
            and {"source": external.source, "images": len(external), "sha256": external.sha256},
        },
        "models": models,
        "claims": claims,
    }
    write_json(study.out / "results.json", results)
    write_text(study.out / "MODEL_CARD.md", model_card(results))
    return results


def add_circumstances(
    out: Path, command: str, source: dict[str, str], runs: dict[str, dict[str, Any]]
) -> None:
    """Add to results.json what only the runner knows: command, where the data came from, seconds and memory."""
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    results["data"] |= source
    measured = ("seconds", "peak_memory_mib")
    results["provenance"] |= {
        "command": command,
        "notebooks": {name: {fact: found[fact] for fact in measured} for name, found in runs.items()},
    }
    write_json(out / "results.json", results)


def write_tables(study: Study, probabilities: Probabilities, shared_errors: pd.DataFrame) -> None:
    """Write what stands beside results.json: the split, what was dropped, the test predictions, the shared errors.

    split.csv and dropped.csv have one row per image, shared_errors.csv is `helpers.evaluation.shared_errors`, and
    test_predictions.npz holds index and label of each test image and the probabilities by model and seed.
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
    with (
        written_atomically(study.out / "test_predictions.npz") as temporary,
        temporary.open("wb") as stream,
    ):
        np.savez_compressed(stream, allow_pickle=False, **arrays)
