"""Only a full run on real cells, of committed code, becomes the published one, and readers see its numbers."""

import copy
import json
import re
import shutil

import pytest

from helpers.files import ROOT
from helpers.report import PUBLISHED
from tools import publish, results

RESULTS = {
    "provenance": {"profile": "full", "tree_is_clean": True, "command": "./run_all.sh --profile full"},
    "data": {"is_synthetic": False, "external": {"images": 334}},
    "models": {"forest": {"test_accuracy": 0.93}},
}


@pytest.fixture
def published(tmp_path, monkeypatch, capsys):
    target = tmp_path / "published.json"
    monkeypatch.setattr(publish, "PUBLISHED", target)
    monkeypatch.setattr(publish, "write_results", lambda *_: None)

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
        ("data", "external", None, "has no cells of another laboratory, expected --external"),
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


def words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    """Return what a file says, without identifiers, which hang on the last digit of a number."""
    number = r"-?\d+\.\d+"
    text = re.sub(r'(id="|url\(#|href="#)\w+', "", text)
    return re.split(number, text), [float(each) for each in re.findall(number, text)]


def test_readers_see_the_published_run_as_the_command_writes_it(tmp_path) -> None:
    shutil.copy(ROOT / "README.md", tmp_path)
    results.write_results(json.loads(PUBLISHED.read_text(encoding="utf-8")), tmp_path)
    for name in ("README.md", "docs/results.md", "docs/headline-light.svg", "docs/headline-dark.svg"):
        words, numbers = words_and_numbers((tmp_path / name).read_text(encoding="utf-8"))
        committed_words, committed_numbers = words_and_numbers((ROOT / name).read_text(encoding="utf-8"))
        assert words == committed_words, f"{name}: run python -m tools.publish"
        assert numbers == pytest.approx(committed_numbers, abs=0.01), name


@pytest.mark.parametrize("part", ["provenance", "data", "models"])
def test_results_without_what_a_run_writes_are_refused_in_one_line(published, part) -> None:
    code, message = published(RESULTS | {part: [None]})
    assert code == 2
    assert "is damaged or not the results of a run" in message
    assert message.count("\n") == 1
