"""What a run says in words, from templates: the answer in a few sentences, and the card of the best model."""

import html
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from helpers import notation
from helpers.claims import REPORTED, VERDICTS
from helpers.data import CLASS_NAMES
from helpers.evaluation import Scores, accuracy_interval, paired_difference

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#"})


def best_on_validation(models: Scores) -> str:
    """Return the model whose validation accuracy is highest, of equals the first: the only way one is chosen."""
    return max(models, key=lambda name: models[name]["val_accuracy"])


def summarise(results: dict[str, Any], pairs: pd.DataFrame) -> dict[str, Any]:
    """Return what the run found in sentences: the answer, a recommendation, the tally of claims, and a list of more.

    ``results`` has the data, models and claims of results.json; ``pairs`` is what `helpers.evaluation.compare_models`
    says of every pair of models. The best model is the one best on validation images.
    """
    models = results["models"]
    best = best_on_validation(models)
    second = best_on_validation({name: model for name, model in models.items() if name != best})
    only_best, only_second, p = paired_difference(pairs, best, second)
    verdicts = Counter(claim["verdict"] for claim in results["claims"])
    facts = {
        "best": best,
        "second": second,
        "better": None if p >= 0.05 else best if only_best > only_second else second,
        "p": notation.p_value(p),
        "reported": REPORTED,
        "verdicts": [(verdict, verdicts[verdict]) for verdict in VERDICTS if verdicts[verdict]],
    }
    text = _environment().get_template("summary.md.j2").render(results, **facts)
    answer, recommendation, tally, *findings = text.splitlines()
    return {"answer": answer, "recommendation": recommendation, "tally": tally, "findings": findings}


def model_card(results: dict[str, Any]) -> str:
    """Return the card of the model that validation images chose, as Markdown; every number is one of ``results``.

    ``results`` is what results.json holds. Sections follow Mitchell et al. 2019 (arXiv:1810.03993). Calibration and
    robustness stand in it if the model has them.
    """
    name = best_on_validation(results["models"])
    template = _environment(autoescape=True, finalize=_plain).get_template("model_card.md.j2")
    return template.render(results, name=name, model=results["models"][name], classes=CLASS_NAMES)


def _environment(**options: Any) -> Environment:
    options |= {"undefined": StrictUndefined, "trim_blocks": True, "keep_trailing_newline": True}
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), **options)
    environment.globals.update(notation=notation, interval=accuracy_interval)
    return environment


def _plain(value: Any) -> Markup:
    """Return text from data as one line in which neither HTML nor Markdown means anything."""
    if isinstance(value, Markup):  # the template vouches for it
        return value
    return Markup(html.escape(" ".join(str(value).split()), quote=False).translate(_MARKDOWN))
