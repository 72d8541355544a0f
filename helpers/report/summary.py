"""What a run says in words, from templates: the answer in five sentences, and the card of the best model."""

import html
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from helpers.claims import REPORTED, VERDICTS
from helpers.data import CLASS_NAMES
from helpers.evaluation import accuracy_interval, paired_difference
from helpers.notation import p_value

FAIR_BASELINE = 0.9
"""Test accuracy from which on alexnet's errors are a measure for those of others."""

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#"})


def best_on_validation(models: dict[str, dict[str, Any]]) -> str:
    """Return the model whose validation accuracy is highest, of equals the first: the only way one is chosen."""
    return max(models, key=lambda name: models[name]["val_accuracy"])


def summarise(results: dict[str, Any], pairs: pd.DataFrame) -> list[str]:
    """Return the answer of the report in five sentences; the best model is the one best on validation images.

    ``results`` has the data, models and claims of results.json; ``pairs`` is what `helpers.evaluation.compare_models`
    says of every pair of models.
    """
    models = results["models"]
    best = best_on_validation(models)
    second = best_on_validation({name: model for name, model in models.items() if name != best})
    only_best, only_second, p = paired_difference(pairs, best, second)
    verdicts = Counter(claim["verdict"] for claim in results["claims"])
    text = (
        _environment()
        .get_template("summary.md.j2")
        .render(
            results,
            best=best,
            second=second,
            found="no difference shown" if p >= 0.05 else "better" if only_second > only_best else "worse",
            p=p_value(p),
            reported=REPORTED,
            verdicts=[(verdict, verdicts[verdict]) for verdict in VERDICTS if verdicts[verdict]],
        )
    )
    return text.splitlines()


def model_card(results: dict[str, Any]) -> str:
    """Return the card of the model that validation images chose, as Markdown; every number is one of ``results``.

    ``results`` is what results.json holds. Sections follow Mitchell et al. 2019 (arXiv:1810.03993). Calibration and
    robustness stand in it if the model has them.
    """
    name = best_on_validation(results["models"])
    model = results["models"][name]
    robustness = dict(model.get("robustness", {}))
    if results["models"].get("alexnet", {}).get("test_accuracy", 0.0) < FAIR_BASELINE:
        robustness.pop("mean_corruption_error", None)
    template = _environment(autoescape=True, finalize=_plain).get_template("model_card.md.j2")
    facts = {"name": name, "model": model, "robustness": robustness}
    return template.render(results, **facts, classes=CLASS_NAMES, interval=accuracy_interval)


def _environment(**options: Any) -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


def _plain(value: Any) -> Markup:
    """Return text from data as one line in which neither HTML nor Markdown means anything."""
    if isinstance(value, Markup):  # the template vouches for it
        return value
    return Markup(html.escape(" ".join(str(value).split()), quote=False).translate(_MARKDOWN))
