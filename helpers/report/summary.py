"""The answer of the report in five sentences, and the one way in which a model is chosen."""

from collections import Counter
from typing import Any

import pandas as pd

from helpers.claims import REPORTED, VERDICTS
from helpers.data import DROPPED, SPLIT_NAMES
from helpers.evaluation import p_words, paired
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
    kind = "synthetic cells, drawn by this project" if study.cells.is_synthetic else study.cells.source
    sizes = {part: f"{len(study.split.indices(part)):,}" for part in SPLIT_NAMES}
    dropped = len(study.split.indices(DROPPED))
    left_out = f"; {dropped:,} are left out, as copies or with doubtful labels" if dropped else ""
    # drawn cells are set beside no number of blood cells
    of_report = ""
    if not study.cells.is_synthetic:
        of_report = (
            f"; the report gave {REPORTED['lenet_custom']} and {REPORTED['forest']}, on validation images"
        )
    verdicts = Counter(claim["verdict"] for claim in claims)
    counted = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])
    custom, forest = (_accuracy_words(models[name]) for name in ("lenet_custom", "forest"))
    return [
        f"Of {len(study.cells):,} images of 48×48 pixels ({kind}), {sizes['train']} train the models, "
        f"{sizes['validation']} choose between them, and {sizes['test']}, kept from training "
        f"and from every choice of this run, test them{left_out}.",
        _best_sentence(models, best, pairs),
        _external_sentence(best, models[best].get("external")),
        f"Of the original report's models, {MODEL_WORDS['lenet_custom']} reaches {custom} on the test "
        f"images and {MODEL_WORDS['forest']} {forest}{of_report}.",
        f"Does the report hold up? Of its sixteen claims: {counted}.",
    ]


def _accuracy_words(model: dict[str, Any]) -> str:
    return "{:.4f} [{:.4f}, {:.4f}]".format(model["test_accuracy"], *model["test_accuracy_ci95"])


def _best_sentence(models: dict[str, dict[str, Any]], best: str, pairs: pd.DataFrame) -> str:
    second = best_on_validation({name: model for name, model in models.items() if name != best})
    only_best, only_second, p = paired(pairs, best, second)
    found = "no difference shown" if p >= 0.05 else "better" if only_second > only_best else "worse"
    first, first_of_second = (models[name]["test_accuracy_by_seed"][0] for name in (best, second))
    return (
        f"Validation images choose {MODEL_WORDS[best]}: test accuracy {_accuracy_words(models[best])} (95 % interval), "
        f"{seed_words(models[best])}; next comes {MODEL_WORDS[second]} with {_accuracy_words(models[second])}, {found} "
        f"(first seeds, {first:.4f} and {first_of_second:.4f}, McNemar, Holm, {p_words(p)})."
    )


def _external_sentence(best: str, external: dict[str, Any] | None) -> str:
    if external is None:
        return (
            f"Cells of another laboratory were not at hand: how {best} fares on them, this run does not say."
        )
    low, high = external["accuracy_ci95"]
    return (
        f"On {external['n']:,} cells of another laboratory {best} is right on {external['accuracy']:.4f} "
        f"[{low:.4f}, {high:.4f}]; always saying {external['commonest_class']} would be right on "
        f"{external['commonest_share']:.4f}."
    )
