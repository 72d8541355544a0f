"""Score a saved model on a data file: ``python -m helpers.test_model MODEL DATA``."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from helpers import notation
from helpers.data import CLASS_NAMES, Cells, load_cells
from helpers.errors import InputError, OneLineParser, printable, refused, refusing, with_exit_code
from helpers.evaluation import apply_temperature, score
from helpers.files import write_text
from helpers.saved_models import load_predictor, read_temperature

# pytest would collect this module and its function because of their names
__test__ = False


def test_model(model: Path, data: str) -> tuple[Cells, np.ndarray, dict[str, Any]]:
    """Return the cells of ``data``, their (N, 8) probabilities under ``model``, and a summary of the scores.

    The probabilities are uncalibrated. The summary holds model, data, n, data_sha256, the model's temperature (None if
    there is none) and how many images are predicted as which class. If there are labels, it also holds what
    `helpers.evaluation.score` returns, log_loss_calibrated and brier_calibrated. InputError if model or data cannot
    be used.
    """
    predict, temperature = load_predictor(model), read_temperature(model)
    cells = load_cells(data)
    with refusing(model, "a model of this project"):
        probabilities = predict(cells.images)
    if not np.isfinite(probabilities).all():
        raise refused(model, "its probabilities are not finite, expected a model with finite weights")
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(CLASS_NAMES))
    summary: dict[str, Any] = {
        "model": printable(model),
        "data": cells.source,
        "data_sha256": cells.sha256,
        "is_synthetic": cells.is_synthetic,
        "notes": list(cells.notes),
        "n": len(cells),
        "temperature": temperature,
        "predicted": dict(zip(CLASS_NAMES, counts.tolist(), strict=True)),
    }
    if cells.labels is not None:
        summary |= score(cells.labels, probabilities)
        if temperature is not None:
            calibrated = score(cells.labels, apply_temperature(probabilities, temperature))
            summary |= {f"{key}_calibrated": calibrated[key] for key in ("log_loss", "brier")}
    return cells, probabilities, summary


def predictions_table(cells: Cells, probabilities: np.ndarray, temperature: float | None) -> pd.DataFrame:
    """Return one row per image with its name or index, its label if known, the prediction and eight probabilities.

    If there is a ``temperature``, columns with calibrated confidence and probabilities follow.
    """
    table = pd.DataFrame({"image": cells.names if cells.names is not None else np.arange(len(cells))})
    if cells.labels is not None:
        table["label"] = [CLASS_NAMES[label] for label in cells.labels]
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
    means = table[columns].mean().set_axis(CLASS_NAMES).sort_values(ascending=False)
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
    parser.add_argument("--predictions", metavar="OUT.csv", help="write one row per image")
    options = parser.parse_args(arguments)
    if options.predictions is not None and not options.predictions.endswith(".csv"):
        raise InputError(f"--predictions {options.predictions!r}: expected a name that ends in .csv")
    cells, probabilities, summary = test_model(options.model, options.data)
    table = predictions_table(cells, probabilities, summary["temperature"])
    if options.predictions is not None:
        with refusing(f"--predictions {options.predictions}", "a file to write"):
            write_text(Path(options.predictions), table.to_csv(index=False, lineterminator="\n"))
    print(json.dumps(summary, indent=2, ensure_ascii=False) if options.json else describe(summary, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
