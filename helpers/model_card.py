"""The card that goes with the best model: what it is for, what it was measured on, and where it must not be trusted."""

import html
from typing import Any

from helpers.cells import CLASS_NAMES
from helpers.evaluation import accuracy_interval
from helpers.results import best_on_validation, seed_words

MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#"})

FAIR_YARDSTICK = 0.9
"""Test accuracy from which on alexnet's errors are a measure for those of others."""

WORDS = {
    "ece": "expected calibration error (ECE) before",
    "ece_calibrated": "ECE after",
    "ece_by_chance": "largest ECE after that chance explains",
    "log_loss_calibrated": "log loss after",
    "clean": "accuracy on these images, unchanged",
    "corrupted": "mean accuracy under corruption",
    "difference": "difference",
    "mean_corruption_error": "mean corruption error relative to alexnet",
    "worst": "worst corruption",
    "under_worst": "accuracy under it",
    "n": "test images",
}
"""What keys of results.json are called here."""


def _plain(words: Any) -> str:
    """Return text from data as one line in which neither HTML nor Markdown means anything."""
    return html.escape(" ".join(str(words).split()), quote=False).translate(MARKDOWN)


def _bullets(values: dict[str, Any]) -> list[str]:
    """Return a line per number, word or pair of the dict; whatever else it holds is left to results.json."""
    shown = {key: value for key, value in values.items() if isinstance(value, str | float | int)}
    words = [f"{value:.4g}" if isinstance(value, float) else _plain(value) for value in shown.values()]
    names = [_plain(WORDS.get(key, key.replace("_", " "))) for key in shown]
    return [f"- {name}: {word}" for name, word in zip(names, words, strict=True)]


def _abroad(external: dict[str, Any] | None) -> list[str]:
    """Return a line on the cells of another laboratory, where they were scored."""
    if external is None:
        return []
    low, high = external["accuracy_ci95"]
    return [
        f"- Accuracy {external['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}, n = {external['n']:,}); always "
        f"saying {external['commonest_class']} would be right on {external['commonest_share']:.4f}."
    ]


def model_card(results: dict[str, Any]) -> str:
    """Return the card of the model that validation images chose, as Markdown; every number is one of ``results``.

    ``results`` is what results.json holds. Sections follow Mitchell et al. 2019 (arXiv:1810.03993). Calibration and
    robustness stand in it if the model has them.
    """
    models, data = results["models"], results["data"]
    name = best_on_validation(models)
    model, split, provenance = models[name], data["split"], results["provenance"]
    low, high = model["test_accuracy_ci95"]
    parameters = "" if model["params"] is None else f", {model['params']:,} parameters"
    warning = [
        "> **Synthetic cells.** This model was trained and tested on images that this project drew itself. It knows "
        "nothing of real blood cells, and no number below says anything about them.\n"
    ]
    classes = []
    for label, recall in model["recall"].items():
        n = model["support"][label]
        interval = "{:.3f} to {:.3f}".format(*accuracy_interval(round(recall * n), n))
        precision = "–" if model["precision"][label] is None else f"{model['precision'][label]:.3f}"
        classes.append(f"| {label} | {n:,} | {recall:.3f} | {interval} | {precision} |")
    robustness = dict(model.get("robustness", {}))
    if models.get("alexnet", {}).get("test_accuracy", 0.0) < FAIR_YARDSTICK:
        robustness.pop("mean_corruption_error", None)
    sections: dict[str, list[str]] = {
        "Model": [
            f"- `{model['file']}`: `{name}`{parameters}, the best of {len(models)} models on validation images.",
            "- 48×48 RGB image of one cell, 8 bits, in; probabilities out, of: "
            + ", ".join(CLASS_NAMES)
            + ".",
            f"- Made at commit {_plain(provenance['commit'])}, profile {_plain(provenance['profile'])}.",
        ],
        "Intended use": [
            "- Teaching, and the study of methods on images made like those it was trained on.",
            "- **Not a medical device.** Not for diagnosis, nor to sort, count or leave out cells of a patient.",
            "- Not for cells of other kinds: it always answers with one of its eight classes. There are no blasts, "
            "plasma cells or reactive lymphocytes among them, and no class for smudged, cut-off or doubtful cells.",
        ],
        "Data": [
            f"- {data['images']:,} images: {_plain(data['source'])}.",
            f"- {split['train']:,} for training, {split['validation']:,} for choices, {split['test']:,} for the test; "
            f"{split['dropped']:,} copies or doubtful labels left out. Split: {_plain(data['split_origin'])}.",
            *(f"- {_plain(note)}" for note in data["notes"]),
        ],
        "Training": [
            f"- {model['train_images']:,} images, {model['train_seconds']:,.0f} s; {seed_words(model)}.",
            *_bullets(model["recipe"] or {}),
        ],
        "Results on the test images": [
            f"Top-1 accuracy **{model['test_accuracy']:.4f}** (95 % interval {low:.4f} to {high:.4f}, "
            f"n = {model['n']:,}, {seed_words(model)}); on validation {model['val_accuracy']:.4f}. "
            f"Macro-F1 {model['macro_f1']:.4f} and the table: first seed, the model saved.\n",
            "| class | n | recall | 95 % interval | precision |",
            "|---|--:|--:|--:|--:|",
            *classes,
        ],
        "Calibration": _bullets(model.get("calibration", {})),
        "Robustness": _bullets(robustness),
        "Cells of another laboratory": _abroad(model.get("external")),
        "Limits": [
            "- No patient numbers are known, so the split is by image: the figures are optimistic for new patients.",
            "- One source of images: models of such cells may lose most of their accuracy on another laboratory's.",
            "- Precision holds for this collection's mix of classes. In healthy blood basophils, immature granulocytes "
            "and erythroblasts are rare or absent: far more of the answers that name them would be wrong.",
            "- Some labels are arguable: immature granulocytes pass gradually into neutrophils.",
            "- The intervals cover the sampling of test images, and nothing else.",
        ],
    }
    body = [f"## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections.items() if lines]
    return "\n".join([f"# Model card: {name}\n", *(warning if data["is_synthetic"] else []), *body])
