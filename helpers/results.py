"""results.json and what stands beside it: the models' scores, the saved models, the test predictions."""

import shutil
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.calibration import (
    apply_temperature,
    chance_calibration_error,
    expected_calibration_error,
    fit_temperature,
)
from helpers.cells import SPLIT_NAMES, Cells
from helpers.evaluation import (
    RESAMPLES,
    accuracy_interval,
    bootstrap_intervals,
    p_words,
    paired,
    score,
    spread,
)
from helpers.findings import REPORTED, VERDICTS
from helpers.preprocessing import DROPPED
from helpers.provenance import describe_provenance
from helpers.runs import Run
from helpers.scoring import Predictor, load_predictor, write_temperature
from helpers.storage import write_json, written_atomically
from helpers.study import Study

MODEL_WORDS = {
    "forest": "the random forest (forest)",
    "handcrafted_best": "a support vector machine on hand-made features (handcrafted_best)",
    "lenet_classic": "the classical LeNet (lenet_classic)",
    "lenet_custom": "the custom LeNet (lenet_custom)",
    "alexnet": "AlexNet as printed (alexnet)",
    "alexnet_fixed": "AlexNet mended (alexnet_fixed)",
    "cellnet": "our compact network (cellnet)",
}
"""What each model is called in sentences."""

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
            scorer(images)
            for scorer in (firsts[name], *(load_predictor(run.model_path) for run in seeds[1:]))
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
        record, joules = seeds[0].record, [run.record["train_joules"] for run in seeds]
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
            "train_joules": None if None in joules else float(np.mean(joules)),
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


def save_predictions(study: Study, probabilities: Probabilities) -> None:
    """Write ``OUT/test_predictions.npz``: index and label of each test image, probabilities by model and seed."""
    arrays = {"index": study.split.indices("test"), "labels": study.open_test().labels}
    arrays |= {f"{name}_seed{i}": p for name, seeds in probabilities.items() for i, p in enumerate(seeds)}
    with (
        written_atomically(study.out / "test_predictions.npz") as temporary,
        temporary.open("wb") as stream,
    ):
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def best_on_validation(models: dict[str, dict[str, Any]]) -> str:
    """Return the model whose validation accuracy is highest, of equals the first: the only way one is chosen."""
    return max(models, key=lambda name: models[name]["val_accuracy"])


def seed_words(model: dict[str, Any]) -> str:
    """Return how many seeds a model's accuracy is the mean of, in words."""
    count = len(model["seeds"])
    return "one seed" if count == 1 else f"mean over {count} seeds"


def summarise(
    study: Study, models: dict[str, dict[str, Any]], claims: list[dict[str, str]], pairs: pd.DataFrame
) -> list[str]:
    """Return the answer of the report in five sentences; the best model is the one best on validation images.

    ``pairs`` is what `helpers.evaluation.compare_models` says of every pair of models.
    """
    best = best_on_validation(models)
    second = best_on_validation({name: model for name, model in models.items() if name != best})
    kind = "synthetic cells, drawn by this project" if study.cells.is_synthetic else study.cells.source
    sizes = {part: f"{len(study.split.indices(part)):,}" for part in SPLIT_NAMES}
    dropped = len(study.split.indices(DROPPED))
    left_out = f"; {dropped:,} are left out, as copies or with doubtful labels" if dropped else ""

    def words(name: str, key: str = "test_accuracy") -> str:
        return "{:.4f} [{:.4f}, {:.4f}]".format(models[name][key], *models[name][f"{key}_ci95"])

    only_best, only_second, p = paired(pairs, best, second)
    found = "no difference shown" if p >= 0.05 else "better" if only_second > only_best else "worse"
    first, first_of_second = (models[name]["test_accuracy_by_seed"][0] for name in (best, second))
    if external := models[best].get("external"):
        low, high = external["accuracy_ci95"]
        abroad = (
            f"On {external['n']:,} cells of another laboratory {best} is right on {external['accuracy']:.4f} "
            f"[{low:.4f}, {high:.4f}]; always saying {external['commonest_class']} would be right on "
            f"{external['commonest_share']:.4f}."
        )
    else:
        abroad = (
            f"Cells of another laboratory were not at hand: how {best} fares on them, this run does not say."
        )
    # drawn cells are set beside no number of blood cells
    of_report = ""
    if not study.cells.is_synthetic:
        of_report = (
            f"; the report gave {REPORTED['lenet_custom']} and {REPORTED['forest']}, on validation images"
        )
    verdicts = Counter(claim["verdict"] for claim in claims)
    counted = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])
    return [
        f"Of {len(study.cells):,} images of 48×48 pixels ({kind}), {sizes['train']} train the models, "
        f"{sizes['validation']} choose between them, and {sizes['test']}, kept from training "
        f"and from every choice of this run, test them{left_out}.",
        f"Validation images choose {MODEL_WORDS[best]}: test accuracy {words(best)} (95 % interval), "
        f"{seed_words(models[best])}; next comes {MODEL_WORDS[second]} with {words(second)}, {found} "
        f"(first seeds, {first:.4f} and {first_of_second:.4f}, McNemar, Holm, {p_words(p)}).",
        abroad,
        f"Of the original report's models, {MODEL_WORDS['lenet_custom']} reaches {words('lenet_custom')} on the test "
        f"images and {MODEL_WORDS['forest']} {words('forest')}{of_report}.",
        f"Does the report hold up? Of its sixteen claims: {counted}.",
    ]


def write_results(
    study: Study,
    models: dict[str, dict[str, Any]],
    claims: list[dict[str, str]],
    pairs: pd.DataFrame,
    external: Cells | None = None,
) -> dict[str, Any]:
    """Write ``OUT/results.json`` and return what it says; ``pairs`` as in `summarise`."""
    cells, split = study.cells, study.split
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
    return results
