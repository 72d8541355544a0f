"""The card says what results.json says, loudly where the cells are synthetic, and escapes what comes from data."""

import copy
import json

import mistune
import pytest

from helpers import notation
from helpers.evaluation.scores import accuracy_interval
from helpers.report.summary import model_card

MODEL = {
    "val_accuracy": 0.91, "test_accuracy": 0.8765, "test_accuracy_ci95": [0.8512, 0.8989], "n": 810,
    "macro_f1": 0.8642, "seeds": [0, 1, 2], "params": 289_000, "train_images": 2835, "train_seconds": 321.4,
    "recipe": {
        "network": "cellnet", "epochs": 12, "batch_size": 64, "learning_rate": 0.003, "optimizer": "muon",
        "cosine_decay": True, "flips_and_turns": True, "shown_elsewhere": 0.333, "scaling": "symmetric",
        "epoch_images": None, "keep_best_epoch": False, "patience": None, "mixed_precision": False,
    },
    "recall": {"basophil": 0.95, "platelet": 1.0}, "precision": {"basophil": 0.931, "platelet": 0.999},
    "support": {"basophil": 400, "platelet": 410}, "file": "models/cellnet.keras",
    "calibration": {"temperature": 1.4142, "ece": 0.0123, "ece_calibrated": 0.0045},
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
        "Accuracy is **87.6 %** (95 % CI 85.1–89.9 %, n = 810) on average over 3 seeds, compared with 91.0 %",
        "289,000 parameters",
        "2,835 images took 321 s, on average over 3 seeds",
        "It lasted 12 epochs, in batches of 64, with Muon at a learning rate of 0.003",
        "macro-F1 of 86.4 %",
        "a temperature of 1.41, which was fitted on the validation images",
        "1.2 % before and 0.4 % after calibration",
    ):
        assert expected in card
    interval = notation.percent_range(*accuracy_interval(380, 400)).removesuffix(" %")
    assert f"| basophil | 400 | 95.0 ({interval}) | 93.1 |" in card
    assert "99.0 %" not in card


def test_cells_of_another_laboratory_stand_in_it_if_there_were_any() -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"]["external"] = {
        "accuracy": 0.35, "accuracy_ci95": [0.30, 0.40], "n": 334, "commonest_class": "neutrophil",
        "commonest_share": 0.488,
    }  # fmt: skip
    assert "Accuracy is 35.0 % (95 % CI 30.0–40.0 %, n = 334)" in model_card(results)
    assert "another laboratory\n" not in model_card(RESULTS)


def test_limits_stand_in_it() -> None:
    card = model_card(RESULTS)
    for expected in (
        "Patients are not recorded",
        "laboratory",
        "not a medical device",
        "immature granulocytes",
    ):
        assert expected in card
    assert "Robustness" not in card
    assert "Synthetic" not in card


def test_synthetic_cells_are_said_before_anything_else() -> None:
    results = copy.deepcopy(RESULTS)
    results["data"]["is_synthetic"] = True
    assert model_card(results).split("\n## ")[0].count("Synthetic cells") == 1


def test_robustness_stands_in_it_if_there_is_any() -> None:
    results = copy.deepcopy(RESULTS)
    measured = {"clean": 0.95, "corrupted": 0.61234, "worst": "motion blur", "under_worst": 0.35, "n": 60}
    results["models"]["cellnet"]["robustness"] = measured
    assert "On 60 unchanged test images accuracy is 95.0 %. It is 61.2 % on average" in model_card(results)
    assert "35.0 % under the worst corruption (motion blur)" in model_card(results)
    results["models"]["cellnet"]["robustness"] = {"clean": 0.95, "corrupted": 0.95, "n": 60}
    assert "when the same images are corrupted. These are means" in model_card(results)


def test_a_class_that_is_never_named_has_no_precision() -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"]["precision"]["platelet"] = None
    assert model_card(results).count("| – |") == 1


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "a\n# heading", "[link](javascript:x)", "a|b`c*d*"])
def test_text_from_data_is_shown_as_it_is(text) -> None:
    results = copy.deepcopy(RESULTS)
    results["data"] |= {"source": text, "notes": [text]}
    render = mistune.create_markdown(escape=False, plugins=["table"])
    page, plain = str(render(model_card(results))), str(render(model_card(RESULTS)))
    for tag in ("<img", "<h1", "<a ", "<em", "<code", "<td"):
        assert page.count(tag) == plain.count(tag)


@pytest.mark.parametrize(
    ("recipe", "text"),
    [(None, ""), ({"C": 10.0, "bootstrap": False}, "- Its settings are C = 10, bootstrap = false.\n")],
)
def test_a_model_without_parameters_or_a_network_has_a_card(recipe, text) -> None:
    results = copy.deepcopy(RESULTS)
    results["models"]["cellnet"] |= {"params": None, "recipe": recipe}
    results["provenance"]["commit"] = None
    assert "None" not in model_card(results)
    assert text in model_card(results)
    assert "epoch" not in model_card(results)
