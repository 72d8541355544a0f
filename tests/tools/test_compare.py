"""Two runs side by side: same digits, other digits, other circumstances, and files that are no results."""

import copy
import json

import pytest

from tools import compare

RESULTS = {
    "provenance": {"commit": "a", "notebooks": {"01_eda": {"seconds": 3.0}}},
    "data": {"sha256": "x"},
    "models": {"forest": {"test_accuracy": 0.93, "test_accuracy_ci95": [0.92, 0.94], "train_seconds": 10.0}},
    "claims": [{"id": "C01", "verdict": "confirmed"}, {"id": "C02", "verdict": "refuted"}],
}


@pytest.fixture
def compared(tmp_path, capsys):
    def run(other: dict) -> tuple[int, str]:
        for name, value in (("a.json", RESULTS), ("b.json", other)):
            (tmp_path / name).write_text(json.dumps(value))
        code = compare.main([str(tmp_path / "a.json"), str(tmp_path / "b.json")])
        return code, capsys.readouterr().out

    return run


def test_the_same_results_are_said_to_be_the_same(compared) -> None:
    assert compared(RESULTS) == (0, "results: the same digits\ncircumstances: the same\n")


def test_time_and_commit_are_circumstances(compared) -> None:
    other = copy.deepcopy(RESULTS)
    other["provenance"]["commit"] = "b"
    other["models"]["forest"]["train_seconds"] = 12.0
    code, text = compared(other)
    assert code == 0
    assert "the same digits" in text
    assert "models.forest.train_seconds: 10.0 -> 12.0  (+2)" in text


def test_other_digits_and_verdicts_are_named_by_model_and_claim(compared) -> None:
    other = copy.deepcopy(RESULTS)
    other["models"]["forest"]["test_accuracy"] = 0.95
    other["models"]["cellnet"] = {}
    other["claims"][1]["verdict"] = "confirmed"
    code, text = compared(other)
    assert code == 1
    assert "models.forest.test_accuracy: 0.93 -> 0.95  (+0.02)" in text
    assert 'claims[C02].verdict: "refuted" -> "confirmed"' in text
    assert 'models.cellnet: "(missing)" -> {}' in text


@pytest.mark.parametrize("text", [None, "no json", "[]", "{}"])
def test_what_is_no_results_file_is_one_line_and_exit_code_2(text, tmp_path, capsys) -> None:
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    assert compare.main([str(path), str(path)]) == 2
    captured = capsys.readouterr()
    assert str(path) in captured.err
    assert captured.err.count("\n") == 1
