"""Numbers and names read alike everywhere, at none, one and many."""

import pandas as pd
import pytest
from jinja2 import UndefinedError

from helpers import notation


@pytest.mark.parametrize(
    ("items", "text"), [([], "none"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_enumerations(items, text):
    assert notation.listed(items) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (3016, "3,016 images")])
def test_counts_agree_with_their_noun(count, text):
    assert notation.counted(count, "image") == text
    assert notation.counted(count, "class", "classes").endswith("class" if count == 1 else "classes")


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [
        (0, 7, "no model"),
        (3, 7, "3 of 7 models"),
        (7, 7, "all 7 models"),
        (1, 1, "the only model"),
        (0, 0, "no model"),
    ],
)
def test_parts_of_a_total(count, total, text):
    assert notation.out_of(count, total, "model") == text


def test_shares_differences_and_p_values():
    assert notation.percent(0.97336) == "97.3 %"
    assert notation.percent_range(0.9626, 0.9811) == "96.3–98.1 %"
    score = {"accuracy": 0.9734, "accuracy_ci95": [0.9626, 0.9811], "n": 1201}
    assert notation.with_interval(score) == "97.3 % (95 % CI 96.3–98.1 %, n = 1,201)"
    assert notation.points(-0.0351) == "−3.5 points"
    assert notation.signed(0.321, 2) == "+0.32"
    assert notation.signed(-0.04) == notation.signed(0) == "0.0"
    assert notation.p_value(0.0123) == "p = 0.012"
    assert notation.p_value(0.0) == "p < 0.0001"
    assert notation.p_value(0.0001) == "p = 0.0001"
    assert notation.p_value(float("nan")) == "p undefined"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forest", "The random forest"),
        ("alexnet", "AlexNet"),
        ("alexnet_fixed", "The retrained AlexNet"),
        ("cellnet", "cellnet"),
        ("muon", "Muon"),
    ],
)
def test_models_have_names_that_stand_in_a_sentence(name, text):
    assert notation.sentence(notation.model_name(name)) == text


def test_models_that_share_the_best_score_are_all_named():
    assert notation.leaders(pd.Series({"basophil": 1.0, "monocyte": 0.5, "platelet": 1.0})) == "basophils and platelets"
    assert notation.leaders(pd.Series({"cellnet": 1.0, "AlexNet": 0.5}), "") == "cellnet"


def test_a_template_gives_one_line_and_knows_the_notation():
    template = "{{ listed(names | map('model_name')) }}\n  reach {{ share | percent(0) }}"
    assert (
        notation.worded(template, names=["forest", "cellnet"], share=0.9) == "the random forest and cellnet reach 90 %"
    )
    with pytest.raises(UndefinedError):
        notation.worded("{{ share }}")
