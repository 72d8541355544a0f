"""Score a saved model on a data file: ``python -m helpers.test_model MODEL DATA``."""

import json
import shlex
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom

from helpers import notation
from helpers.data import CLASS_NAMES, SPLIT_NAMES, UNLABELLED, Cells, bloodmnist, load_cells
from helpers.errors import InputError, OneLineParser, printable, refused, refusing, with_exit_code
from helpers.evaluation import apply_temperature, score
from helpers.files import ROOT, write_text
from helpers.saved_models import as_probabilities, image_codes, lacks_scaling, load_predictor, read_background

# pytest would collect this module and its function because of their names
__test__ = False

SEEN, FAMILIAR = "seen in training", "familiar"
"""Columns of the predictions, for images that the model was trained on and for those that look like them."""
OF_A_PART = ("n", "accuracy", "accuracy_ci95", "seen_in_training", "unfamiliar")
"""What the summary holds of every part."""


def test_model(model: Path, data: str, training: str = "", **reading: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the predictions of ``model`` for the cells of ``data`` (`predictions_table`), and a summary.

    The summary holds model, data, data_sha256, is_synthetic, notes, warnings, trained_on (source, is_synthetic, images),
    the temperature, the part of the data that is scored (None where it has none), what `score_part` returns for it, and
    parts: the values `OF_A_PART` of every part, the test part first. What the model does not know of its training is
    None. For a single image, nearest is as in `nearest_training`. ``reading`` goes to `helpers.data.load_cells`.
    InputError if model or data cannot be used.
    """
    predict, background = load_predictor(model), read_background(model)
    cells = load_cells(data, **reading)
    with refusing(model, "a model of this project"):
        outputs = predict(cells.images)
    if not np.isfinite(outputs).all():
        raise refused(model, "its probabilities are not finite, expected a model with finite weights")
    probabilities, repair = as_probabilities(outputs)
    temperature = background.temperature if background else None
    table = predictions_table(cells, probabilities, temperature)
    if background is not None:
        table[SEEN] = np.isin(image_codes(cells.images), background.codes)
        if background.look is not None:
            table[FAMILIAR] = background.look.is_familiar(cells.images)
    origin = cells.source_split if cells.source_split is not None else np.full(len(cells), None)
    names = [name for name in reversed(SPLIT_NAMES) if name in origin] or [None]
    parts = {name: score_part(cells, probabilities, table, origin == name) for name in names}
    trained_on = background and {
        "source": background.source,
        "is_synthetic": background.is_synthetic,
        "images": len(background.codes),
    }
    summary: dict[str, Any] = {
        "model": printable(model),
        "data": cells.source,
        "data_sha256": cells.sha256,
        "is_synthetic": cells.is_synthetic,
        "notes": list(cells.notes),
        "trained_on": trained_on,
        "temperature": temperature,
        "part": names[0],
        **parts[names[0]],
        "parts": {
            name: {key: part.get(key) for key in OF_A_PART} for name, part in parts.items() if name is not None
        },
    }
    warnings = [*cells.warnings, repair, *find_warnings(summary)]
    if lacks_scaling(model):
        warnings.append(
            "The network has no layer that scales pixels (Rescaling or Normalization), so its answers are right only "
            "if it was trained on pixels of 0 to 255."
        )
    if cells.labels is not None:
        warnings.append(question_labels(cells.labels, probabilities, can_be_named="classes" not in reading))
    summary["warnings"] = [warning for warning in warnings if warning]
    if len(cells) == 1 and background:
        summary["nearest"] = nearest_training(cells.images[0], background.codes, training)
    return table, summary


def score_part(
    cells: Cells, probabilities: np.ndarray, table: pd.DataFrame, is_in: np.ndarray
) -> dict[str, Any]:
    """Return what is known of the images where ``is_in`` (N,): of those with a label, or of all where none has one.

    Their number n, predicted (how many as which class), seen_in_training and unfamiliar (counts, None if not known); and
    where there are labels what `helpers.evaluation.score` returns, with log_loss_calibrated and brier_calibrated if a
    temperature is known.
    """
    has_label = is_in & (cells.labels != UNLABELLED if cells.labels is not None else False)
    chosen = has_label if has_label.any() else is_in
    predicted = np.bincount(probabilities[chosen].argmax(axis=1), minlength=len(CLASS_NAMES))
    found: dict[str, Any] = {
        "n": int(chosen.sum()),
        "predicted": dict(zip(CLASS_NAMES, predicted.tolist(), strict=True)),
        "seen_in_training": int(table[SEEN][chosen].sum()) if SEEN in table else None,
        "unfamiliar": int((~table[FAMILIAR][chosen]).sum()) if FAMILIAR in table else None,
    }
    if has_label.any():
        assert cells.labels is not None
        labels, calibrated = cells.labels[chosen], table.filter(like="calibrated p(").to_numpy()[chosen]
        found |= score(labels, probabilities[chosen])
        if calibrated.size:
            scores = score(labels, calibrated)
            found |= {f"{key}_calibrated": scores[key] for key in ("log_loss", "brier")}
    return found


def find_warnings(summary: dict[str, Any]) -> list[str]:
    """Return a sentence for everything about the training by which the scores of a summary may mislead."""
    n, found = summary["n"], []
    if "accuracy" in summary and summary["seen_in_training"]:
        seen = notation.out_of(summary["seen_in_training"], n, "image")
        found.append(f"The model was trained on {seen} scored here, so the scores are optimistic.")
    if summary["trained_on"] and summary["trained_on"]["is_synthetic"] and not summary["is_synthetic"]:
        found.append("The model was trained on synthetic images, and these are others.")
    strange = summary["unfamiliar"]
    if strange and binom.sf(strange - 1, n, 0.01) < 0.02:  # more than the share at home, and not by chance
        share = f"{notation.percent(strange / n)} of the images look" if n > 1 else "The image looks"
        found.append(f"{share} like nothing the model has seen, so its answers may be wrong.")
    return found


def question_labels(labels: np.ndarray, probabilities: np.ndarray, *, can_be_named: bool) -> str:
    """Return a sentence where the model disagrees with nearly all (N,) labels, or agrees under another order; else "".

    Where the order of the classes ``can_be_named``, it names the option that does so.
    """
    is_known = labels != UNLABELLED
    pairs = np.column_stack([labels, probabilities.argmax(axis=1)])[is_known]
    counts = np.zeros((len(CLASS_NAMES),) * 2, int)
    np.add.at(counts, tuple(pairs.T), 1)
    n, present = len(pairs), np.flatnonzero(counts.sum(axis=1))
    if n < 5:
        return ""
    agreed = np.trace(counts) / n
    rows, columns = linear_sum_assignment(counts[present], maximize=True)
    best = counts[present][rows, columns].sum() / n
    found = f"The model agrees with {notation.percent(agreed)} of the labels"
    if n >= 20 and best >= agreed + 0.3:
        names = shlex.quote(",".join(CLASS_NAMES[column] for column in columns))
        option = f", which --classes {names} sets" if can_be_named else ""
        return f"{found}, but would with {notation.percent(best)} if the classes had another order{option}."
    if agreed < 0.5 and agreed <= counts.sum(axis=1).max() / n:
        return f"{found}, no more than one class for all images would reach, so labels and images need a check."
    return ""


def nearest_training(image: np.ndarray, codes: np.ndarray, training: str = "") -> list[str]:
    """Return the five training images most like a uint8 image (48, 48, 3), as in "12034 (neutrophil)".

    Each is named by its position in ``training``, else in data/data.npz or BloodMNIST where one is at hand. Means over
    4x4 pixels are compared, under all flips and quarter turns. Empty where no image has one of ``codes``
    (`helpers.saved_models.image_codes`).
    """
    source = training or ROOT / "data" / "data.npz"
    if not training and not Path(source).is_file():
        with suppress(InputError):
            source = bloodmnist.find_bloodmnist() or ""
        if not source:
            return []
    cells = load_cells(source)
    known = np.flatnonzero(np.isin(image_codes(cells.images), codes))
    views = [np.rot90(side, turns) for side in (image, image[::-1]) for turns in range(4)]
    pooled, *others = (x.reshape(-1, 12, 4, 12, 4, 3).mean(axis=(2, 4)) for x in (cells.images[known], *views))
    distance = np.min([((pooled - view) ** 2).sum(axis=(1, 2, 3)) for view in others], axis=0)
    nearest = known[np.argsort(distance, kind="stable")[:5]].tolist()
    labels = np.full(len(cells), UNLABELLED) if cells.labels is None else cells.labels
    return [f"{at} ({CLASS_NAMES[labels[at]] if labels[at] != UNLABELLED else 'no label'})" for at in nearest]


def predictions_table(cells: Cells, probabilities: np.ndarray, temperature: float | None) -> pd.DataFrame:
    """Return one row per image with its name or index, its label if known, the prediction and eight probabilities.

    If the source names parts, there is a column part. If there is a ``temperature``, columns with calibrated confidence
    and probabilities follow.
    """
    table = pd.DataFrame({"image": cells.names if cells.names is not None else np.arange(len(cells))})
    if cells.source_split is not None:
        table["part"] = cells.source_split
    if cells.labels is not None:
        table["label"] = [CLASS_NAMES[label] if label != UNLABELLED else "" for label in cells.labels]
    table["predicted"] = [CLASS_NAMES[label] for label in probabilities.argmax(axis=1)]
    kinds = {"": probabilities}
    if temperature is not None:
        kinds["calibrated "] = apply_temperature(probabilities, temperature)
    for kind, values in kinds.items():
        table[f"{kind}confidence"] = values.max(axis=1)
        table[[f"{kind}p({name})" for name in CLASS_NAMES]] = values
    return table


def describe(summary: dict[str, Any], table: pd.DataFrame) -> str:
    """Return the summary of `test_model` as lines to read; without labels, with the predictions of the table."""
    kind = "" if summary["temperature"] is None else "calibrated "
    columns = [f"{kind}p({name})" for name in CLASS_NAMES]
    rows = table if summary["part"] is None else table[table["part"] == summary["part"]]
    means = rows[columns].mean().set_axis(CLASS_NAMES).sort_values(ascending=False)
    text = Path(__file__).with_name("test_model.txt.j2").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, trim_blocks=True).from_string(text)
    return template.render(summary, summary=summary, means=means.to_dict(), notation=notation).rstrip()


def require_writable(path: Path) -> None:
    """Raise InputError unless a table can be written to ``path``, a name that ends in .csv."""
    if path.suffix != ".csv":
        raise InputError(f"--predictions {str(path)!r}: expected a name that ends in .csv")
    with refusing(f"--predictions {path}", "a file to write"):
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code, which is 2 if the input cannot be used."""
    parser = OneLineParser(prog="python -m helpers.test_model", description=__doc__)
    parser.add_argument("model", type=Path, help="a saved model: .keras, .skops or .onnx")
    parser.add_argument("data", help="an .npz file, a folder, an image, bloodmnist or synthetic")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    parser.add_argument("--predictions", metavar="OUT.csv", type=Path, help="write one row per image")
    parser.add_argument("--classes", metavar="NAME,NAME", help="classes of the labels, in ascending order of these")
    parser.add_argument("--crop", choices=("full-frame", "cell", "auto"), help="what part of an image to use")
    parser.add_argument("--training", metavar="DATA", help="show images like a single one among these")
    options = parser.parse_args(arguments)
    if options.predictions is not None:
        require_writable(options.predictions)
    reading = {name: value for name in ("classes", "crop") if (value := getattr(options, name)) is not None}
    table, summary = test_model(options.model, options.data, options.training or "", **reading)
    if options.predictions is not None:
        with refusing(f"--predictions {options.predictions}", "a file to write"):
            write_text(options.predictions, table.to_csv(index=False, lineterminator="\n"))
    print(json.dumps(summary, indent=2, ensure_ascii=False) if options.json else describe(summary, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
