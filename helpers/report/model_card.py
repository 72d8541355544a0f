"""The card that goes with the best model: what it is for, what it was measured on, and where it must not be trusted."""

import html
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from helpers.data import CLASS_NAMES
from helpers.evaluation import accuracy_interval
from helpers.report.summary import best_on_validation, seed_words

MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#"})

FAIR_YARDSTICK = 0.9
"""Test accuracy from which on alexnet's errors are a measure for those of others."""


def _plain(value: Any) -> Markup:
    """Return text from data as one line in which neither HTML nor Markdown means anything."""
    if isinstance(value, Markup):  # the template vouches for it
        return value
    return Markup(html.escape(" ".join(str(value).split()), quote=False).translate(MARKDOWN))


def model_card(results: dict[str, Any]) -> str:
    """Return the card of the model that validation images chose, as Markdown; every number is one of ``results``.

    ``results`` is what results.json holds. Sections follow Mitchell et al. 2019 (arXiv:1810.03993). Calibration and
    robustness stand in it if the model has them.
    """
    models = results["models"]
    name = best_on_validation(models)
    model = models[name]
    robustness = dict(model.get("robustness", {}))
    if models.get("alexnet", {}).get("test_accuracy", 0.0) < FAIR_YARDSTICK:
        robustness.pop("mean_corruption_error", None)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        finalize=_plain,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("model_card.md.j2")
    facts = {"name": name, "model": model, "robustness": robustness, "seeds": seed_words(model)}
    return template.render(results, **facts, classes=CLASS_NAMES, interval=accuracy_interval)
