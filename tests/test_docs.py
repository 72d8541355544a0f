"""Documents name files that exist, and commands that exist with these options."""

import re
import shlex
from importlib import import_module

import pytest

from helpers.files import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data" / "README.md"])
BLOCKS = [block for page in PAGES for block in re.findall(r"(?s)```sh\n(.*?)```", page.read_text(encoding="utf-8"))]
OTHERS = {
    "./run_tests.sh": "runs this test",
    "git": "needs a network",
    ".venv/bin/jupyter": "opens a browser",
    ".venv/bin/dask": "starts a cluster",
}
"""Other programs, and why this test does not ask them for their options."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_paths_lead_to_files(page) -> None:
    text = page.read_text(encoding="utf-8")
    found = {page.parent / link for link in re.findall(r"\]\((?![a-z]+:)([^)#]+)", text)}
    found |= {
        ROOT / path for path in re.findall(r"`((?:helpers|tests|tools|docs|notebooks|requirements)/[^\s`]+)`", text)
    }
    assert [str(path) for path in found if not path.exists()] == []


@pytest.mark.parametrize("line", sorted({line for block in BLOCKS for line in block.splitlines()}))
def test_commands_exist_with_their_options(line: str, capsys) -> None:
    words = shlex.split(line.replace("./run_all.sh", ".venv/bin/python -m helpers.run"), comments=True)
    if words[0] in OTHERS:
        return
    assert words[:2] == [".venv/bin/python", "-m"], f"test it, or name the reason in {OTHERS}"
    with pytest.raises(SystemExit, match="0"):
        import_module(words[2]).main([*(word for word in words[3:4] if word.isalpha()), "--help"])
    told = capsys.readouterr().out
    assert [word for word in words[3:] if word.startswith("--") and word not in told] == []
