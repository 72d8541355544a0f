"""The card says what results.json says, loudly where the cells are synthetic, and escapes what comes from data."""

import copy
import json

import mistune
import pytest

from helpers.evaluation.scores import accuracy_interval
from helpers.report.summary import model_card

MODEL = {
    "val_accuracy": 0.91, "test_accuracy": 0.8765, "test_accuracy_ci95": [0.8512, 0.8989], "n": 810,
    "macro_f1": 0.8642, "seeds": [0, 1, 2], "params": 289_000, "train_images": 2835, "train_seconds": 321.4,
    "recipe": {"network": "cellnet", "epochs": 12, "learning_rate": 0.003, "weight_decay": None},
    "recall": {"basophil": 0.95, "platelet": 1.0}, "precision": {"basophil": 0.931, "platelet": 0.999},
    "support": {"basophil": 400, "platelet": 410}, "file": "models/cellnet.keras",
    "calibration": {"temperature": 1.4142, "ece": 0.0123, "curve": [1, 2]},
}  # fmt: skip
RESULTS = {
    "models": {"forest": MODEL | {"val_accuracy": 0.5, "test_accuracy": 0.99}, "cellnet": MODEL},
    "data": {
        "source": "data.npz", "is_synthetic": False, "notes": ["one note"], "images": 4050,
        "split": {"train": 2835, "validation": 405, "test": 810, "dropped": 7}, "split_origin": "70/10/20",
    },
    "provenance": {"commit": "0123abc", "profile": "quick"},
}  # fmt: skip


def test_numbers_are_those_of_the_model_chosen_on_validation() -> None:
    card = model_card(json.loads(json.dumps(RESULTS)))
    assert card.startswith("# Model card: cellnet\n")
    for expected in (
        "**0.8765**",
        "0.8512 to 0.8989",
        "n = 810",
        "289,000",
        "2,835",
        "0.8642",
        "temperature: 1.414",
    ):
        assert expected in card
    low, high = accuracy_interval(380, 400)
    assert f"| basophil | 400 | 0.950 | {low:.3f} to {high:.3f} | 0.931 |" in card
    assert "0.9900" not in card
    assert "curve" not in card


def test_cells_of_another_laboratory_stand_in_it_if_there_were_any() -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"]["external"] = {
        "accuracy": 0.35, "accuracy_ci95": [0.30, 0.40], "n": 334, "commonest_class": "neutrophil",
        "commonest_share": 0.488,
    }  # fmt: skip
    assert "Accuracy 0.3500 (95 % interval 0.3000 to 0.4000, n = 334)" in model_card(results)
    assert "another laboratory\n" not in model_card(RESULTS)


def test_limits_stand_in_it() -> None:
    card = model_card(RESULTS)
    for expected in ("No patient numbers", "laboratory", "Not a medical device", "immature granulocyte"):
        assert expected in card
    assert "Robustness" not in card
    assert "Synthetic" not in card


def test_synthetic_cells_are_said_before_anything_else() -> None:
    results = copy.deepcopy(RESULTS)
    results["data"]["is_synthetic"] = True
    assert model_card(results).split("\n## ")[0].count("Synthetic cells") == 1


def test_robustness_stands_in_it_if_there_is_any() -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"]["robustness"] = {"corrupted": 0.61234, "mean_corruption_error": 0.51234}
    results["models"]["alexnet"] = MODEL | {"val_accuracy": 0.2, "test_accuracy": 0.95}
    assert (
        "- mean accuracy under corruption: 0.6123\n- mean corruption error relative to alexnet: 0.5123\n"
        in model_card(results)
    )
    results["models"]["alexnet"]["test_accuracy"] = (
        0.1  # a yardstick that is wrong everywhere measures nothing
    )
    assert "## Robustness\n\n- mean accuracy under corruption: 0.6123\n\n" in model_card(results)


def test_a_class_that_is_never_named_has_no_precision() -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"]["precision"]["platelet"] = None
    assert model_card(results).count("| – |") == 1


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "a\n# heading", "[link](javascript:x)", "a|b`c*d*"]
)
def test_text_from_data_is_shown_as_it_is(text) -> None:
    results = copy.deepcopy(RESULTS)
    results["data"] |= {"source": text, "notes": [text]}
    render = mistune.create_markdown(escape=False, plugins=["table"])
    page, plain = str(render(model_card(results))), str(render(model_card(RESULTS)))
    for tag in ("<img", "<h1", "<a ", "<em", "<code", "<td"):
        assert page.count(tag) == plain.count(tag)


def test_a_model_without_parameters_or_recipe_has_a_card() -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"] |= {"params": None, "recipe": None}
    assert "None" not in model_card(results)
