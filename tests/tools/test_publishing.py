"""Only a full run on real cells, of committed code, becomes the published one, byte by byte."""

import copy
import json

import pytest

from tools import publish

RESULTS = {
    "provenance": {"profile": "full", "tree_is_clean": True, "command": "./run_all.sh --profile full"},
    "data": {"is_synthetic": False},
    "models": {"forest": {"test_accuracy": 0.93}},
}


@pytest.fixture
def published(tmp_path, monkeypatch, capsys):
    target = tmp_path / "published.json"
    monkeypatch.setattr(publish, "PUBLISHED", target)

    def run(results: dict) -> tuple[int, str]:
        (tmp_path / "results.json").write_text(json.dumps(results))
        code = publish.main([str(tmp_path)])
        return code, target.read_text() if target.exists() else capsys.readouterr().err

    return run


def test_the_published_run_is_a_copy(published) -> None:
    assert published(RESULTS) == (0, json.dumps(RESULTS))


@pytest.mark.parametrize(
    ("part", "key", "value", "words"),
    [
        ("data", "is_synthetic", True, "was made on synthetic cells, expected real ones"),
        ("provenance", "profile", "quick", "was made with the quick profile, expected full"),
        ("provenance", "tree_is_clean", False, "changes that were not committed"),
        ("provenance", "tree_is_clean", None, "changes that were not committed"),
        ("provenance", "command", "./run_all.sh --data /home/me/data.npz", "a path outside the checkout"),
        ("models", "forest", {"test_accuracy": 0.9, "notes": "x" * 200_000}, "is larger than 200,000 bytes"),
    ],
)
def test_any_other_run_is_refused_in_one_line(published, part, key, value, words) -> None:
    results = copy.deepcopy(RESULTS)
    results[part][key] = value
    code, message = published(results)
    assert code == 2
    assert words in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("part", ["provenance", "data", "models"])
def test_results_without_what_a_run_writes_are_refused_in_one_line(published, part) -> None:
    code, message = published(RESULTS | {part: [None]})
    assert code == 2
    assert "is damaged or not the results of a run" in message
    assert message.count("\n") == 1
