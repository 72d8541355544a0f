"""Score a saved model on a data file: ``python -m helpers.test_model MODEL DATA``."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from scipy.stats import binom

from helpers import evaluation, notation, saved_models
from helpers.data import CLASS_NAMES, CROPS, SPLIT_NAMES, UNLABELLED, Cells, bloodmnist, load_cells
from helpers.errors import InputError, OneLineParser, printable, refused, refusing, with_exit_code
from helpers.files import ROOT, prepare_folder, write_text
from helpers.saved_models import Background, image_codes

# pytest would collect this module and its function because of their names
__test__ = False

SEEN, FAMILIAR = "seen in training", "familiar"
"""Columns of the predictions, for images that the model was trained on and for those that look like them."""

Summary = dict[str, Any]


def test_model(model: Path, data: str, classes: str, crop: str) -> tuple[pd.DataFrame, Summary]:
    """Return the predictions of ``model`` for the cells of ``data``, as in `predictions_table`, and a summary.

    The summary holds model, data, data_sha256, is_synthetic, notes, warnings, trained_on (source, is_synthetic and
    images), measured (the model's accuracy in words), temperature, part (the one scored, None where the data name
    none), what `score_part` returns for it, and parts: all of it by part, test first. What the model does not know of
    its training is None. For a single image, nearest is as in `nearest_training`. ``classes`` and ``crop`` are those
    of `helpers.data.load_cells`. InputError if model or data cannot be used.
    """
    predict, background = saved_models.load_predictor(model), saved_models.read_background(model)
    cells = load_cells(data, classes=classes, crop=crop)
    with refusing(model, "a model of this project"):
        outputs = predict(cells.images)
    if not np.isfinite(outputs).all():
        raise refused(model, "its probabilities are not finite, expected a model with finite weights")
    probabilities, doubt = saved_models.as_probabilities(outputs)
    table = predictions_table(cells, probabilities, background)
    groups = dict(list(table.groupby("part"))) if "part" in table else {"": table}
    parts = {name: score_part(groups[name]) for name in (*reversed(SPLIT_NAMES), "") if name in groups}
    first = next(iter(parts))
    summary: Summary = {
        "model": printable(model),
        "data": cells.source,
        "data_sha256": cells.sha256,
        "is_synthetic": cells.is_synthetic,
        "notes": list(cells.notes),
        "trained_on": background
        and {"source": background.source, "is_synthetic": background.is_synthetic, "images": len(background.codes)},
        "measured": background and background.measured,
        "temperature": background and background.temperature,
        "part": first or None,
        **parts[first],
        "parts": {name: part for name, part in parts.items() if name},
    }
    doubts = [doubt, saved_models.doubt_of_scaling(model), *doubts_of_training(summary)]
    if cells.labels is not None:
        for name in parts:
            at, option = cells.source_split == name if name else slice(None), "" if classes else "--classes"
            doubts.append(evaluation.doubt_of_labels(cells.labels[at], probabilities[at], option, name))
    summary["warnings"] = [*cells.warnings, *filter(None, doubts)]
    if len(cells) == 1 and background:
        summary["nearest"] = nearest_training(cells.images[0], background.codes)
    return table, summary


def score_part(rows: pd.DataFrame) -> Summary:
    """Return what is known of rows of `predictions_table`: of those with a label, or of all where none has one.

    Their number n, predicted (how many as which class), seen_in_training and unfamiliar (counts, None if not known). Of
    labels also what `helpers.evaluation.score` returns.
    """
    has_labels = "label" in rows and rows["label"].notna().any()
    rows = rows.dropna(subset="label") if has_labels else rows
    found: Summary = {
        "n": len(rows),
        "predicted": rows["predicted"].value_counts(sort=False).to_dict(),
        "seen_in_training": int(rows[SEEN].sum()) if SEEN in rows else None,
        "unfamiliar": int((~rows[FAMILIAR]).sum()) if FAMILIAR in rows else None,
    }
    if has_labels:
        found |= evaluation.score(rows["label"].cat.codes.to_numpy(), np.ascontiguousarray(rows[columns_of("")]))
    return found


def doubts_of_training(summary: Summary) -> list[str]:
    """Return a sentence for everything about the training by which the answers in a summary may mislead."""
    n, seen, strange = summary["n"], summary["seen_in_training"] or 0, summary["unfamiliar"] or 0
    is_of_synthetic = (summary["trained_on"] or {}).get("is_synthetic") and not summary["is_synthetic"]
    look = "The image looks" if n == 1 else f"{notation.percent(strange / n)} of the images look"
    are_more_than_at_home = binom.sf(strange - 1, n, 0.01) < 0.02  # where 1 % are unfamiliar
    scored = f"The model was trained on {notation.out_of(seen, n, 'image')} scored here"
    doubts = [
        (seen and "accuracy" in summary, f"{scored}, so the scores are optimistic."),
        (is_of_synthetic, "The model was trained on synthetic images, and these are others."),
        (are_more_than_at_home, f"{look} like nothing the model has seen, so its answers may be wrong."),
    ]
    return [sentence for is_so, sentence in doubts if is_so]


def nearest_training(image: np.ndarray, codes: np.ndarray) -> list[str]:
    """Return the five training images most like a uint8 image (48, 48, 3), as in "12034 (neutrophil)".

    They come from data/data.npz or BloodMNIST where one is at hand, and are named by position. Means over 4x4 pixels
    are compared, under all flips and quarter turns. Empty where no image has one of ``codes``
    (`helpers.saved_models.image_codes`).
    """
    original = ROOT / "data" / "data.npz"
    source = original if original.is_file() else bloodmnist.find_bloodmnist()
    if not source:
        return []
    cells = load_cells(source).labelled()
    known = np.flatnonzero(np.isin(image_codes(cells.images), codes))
    views = [np.rot90(side, turns) for side in (image, image[::-1]) for turns in range(4)]
    pooled, *turned = (x.reshape(-1, 12, 4, 12, 4, 3).mean(axis=(2, 4)) for x in (cells.images[known], *views))
    distance = np.min([((pooled - view) ** 2).sum(axis=(1, 2, 3)) for view in turned], axis=0)
    nearest = known[np.argsort(distance, kind="stable")[:5]].tolist()
    return [str(at) if cells.labels is None else f"{at} ({CLASS_NAMES[cells.labels[at]]})" for at in nearest]


def predictions_table(cells: Cells, probabilities: np.ndarray, background: Background | None) -> pd.DataFrame:
    """Return a row per image: name or index, part and label if known, the prediction and eight probabilities.

    If the model has a ``background``, columns with calibrated confidence and probabilities follow, then `SEEN` and
    `FAMILIAR`.
    """
    table = pd.DataFrame({"image": cells.names if cells.names is not None else np.arange(len(cells))})
    if cells.source_split is not None:
        table["part"] = cells.source_split
    if cells.labels is not None:
        known = np.where(cells.labels == UNLABELLED, -1, cells.labels.astype(int))
        table["label"] = pd.Categorical.from_codes(known, CLASS_NAMES)
    table["predicted"] = pd.Categorical.from_codes(probabilities.argmax(axis=1), CLASS_NAMES)
    kinds = {"": probabilities}
    if background is not None:
        kinds["calibrated "] = evaluation.apply_temperature(probabilities, background.temperature)
    for kind, values in kinds.items():
        table[f"{kind}confidence"] = values.max(axis=1)
        table[columns_of(kind)] = values
    if background is not None:
        table[SEEN] = np.isin(image_codes(cells.images), background.codes)
        table[FAMILIAR] = background.look.is_familiar(cells.images)
    return table


def columns_of(kind: str) -> list[str]:
    """Return the columns of the eight probabilities in `predictions_table`; ``kind`` is "" or "calibrated "."""
    return [f"{kind}p({name})" for name in CLASS_NAMES]


def describe(summary: Summary, table: pd.DataFrame) -> str:
    """Return the summary of `test_model` as lines to read; without labels, with the predictions of the table."""
    kind = "" if summary["temperature"] is None else "calibrated "
    rows = table if summary["part"] is None else table[table["part"] == summary["part"]]
    means = rows[columns_of(kind)].mean().set_axis(CLASS_NAMES).sort_values(ascending=False)
    text = Path(__file__).with_name("test_model.txt.j2").read_text("utf-8")
    template = Environment(undefined=StrictUndefined, trim_blocks=True).from_string(text)
    return template.render(summary, summary=summary, means=means.to_dict(), notation=notation).rstrip()


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code, which is 2 if the input cannot be used."""
    parser = OneLineParser(prog="python -m helpers.test_model", description=__doc__)
    parser.add_argument("model", type=Path, help="a saved model: .keras, .skops or .onnx")
    parser.add_argument("data", help="an .npz file, a folder, an image, bloodmnist or synthetic")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    parser.add_argument("--predictions", metavar="OUT.csv", type=Path, help="write one row per image")
    parser.add_argument("--classes", default="", metavar="NAME,…", help="class of each label, ascending")
    parser.add_argument("--crop", default="auto", choices=CROPS, help="how images are framed (default: auto)")
    parser.add_argument("--adapt", metavar="CELLS", help="fit the last layer to labelled cells first, as MODEL-adapted")
    options = parser.parse_args(arguments)
    if options.predictions is not None:
        with refusing(f"--predictions {options.predictions}", "a file to write"):
            if options.predictions.suffix != ".csv" or options.predictions.is_dir():
                raise InputError(f"--predictions {options.predictions}: expected a name that ends in .csv")
            prepare_folder(options.predictions.parent)
    if options.adapt is not None:
        given = load_cells(options.adapt, classes=options.classes, crop=options.crop)
        options.model = evaluation.adapt(options.model, given)
        print(f"wrote {printable(options.model)}, with its last layer fitted to {options.adapt}", file=sys.stderr)
    table, summary = test_model(options.model, options.data, options.classes, options.crop)
    if options.predictions is not None:
        with refusing(f"--predictions {options.predictions}", "a file to write"):
            write_text(options.predictions, table.to_csv(index=False, lineterminator="\n"))
    for warning in summary["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    print(json.dumps(summary, indent=2, ensure_ascii=False) if options.json else describe(summary, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
