"""The committed notebooks: no outputs, cells in the promised order, the test images opened by the last alone."""

import json
import re

import pytest

from helpers import NOTEBOOKS
from helpers.files import ROOT

PUBLISHED = "reports 98.4 %"
"""The accuracy of a public project, which no run of ours changes."""


@pytest.fixture(params=NOTEBOOKS)
def cells(request) -> list[dict]:
    path = ROOT / "notebooks" / f"{request.param}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_committed_without_outputs(cells) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_title_then_parameters_then_imports(cells) -> None:
    assert source(cells[0]).startswith("# ")
    assert "**Question.**" in source(cells[0])
    assert cells[1]["metadata"]["tags"] == ["parameters"]
    assert 'DATA = "auto"' in source(cells[1])
    assert "import " in source(cells[2])


def test_ends_with_findings_and_a_link(cells) -> None:
    assert any(source(cell) == "## What we found" or "\n## What we found" in source(cell) for cell in cells)
    assert ".ipynb)" in source(cells[-1])


def typed_results(prose: str) -> list[str]:
    """Return what reads like a result in prose: shares with three decimals, and percentages with one."""
    return re.findall(r"\b[01]\.\d{3,}|\b\d+\.\d %", prose.replace(PUBLISHED, ""))


def test_no_number_of_a_result_is_typed_into_prose(cells) -> None:
    prose = " ".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    assert typed_results(prose) == []


def test_typed_results_are_found_and_published_ones_allowed() -> None:
    prose = f"We reach 0.973 or 97.3 %, not 95 %. A public project {PUBLISHED} on its own images, after 1.18 million."
    assert typed_results(prose) == ["0.973", "97.3 %"]


def named_cells(cells: list[dict]) -> list[str]:
    """Return the source of each code cell but the parameters and the imports."""
    return [source(cell) for cell in cells if cell["cell_type"] == "code"][2:]


def test_code_cells_say_what_they_do(cells) -> None:
    names = [each.splitlines()[0] for each in named_cells(cells)]
    assert [name for name in names if not re.fullmatch(r"# [A-Z][a-z]+ .*[^.]", name) or len(name) > 60] == []
    assert len(set(names)) == len(names)


def lines_of_code(cells: list[dict]) -> list[int]:
    """Return the number of lines of each code cell that are not blank.

    The name of a cell does not count: the page shows it in place of the code, not with it.
    """
    code = [source(cell) for cell in cells if cell["cell_type"] == "code"]
    without_names = code[:2] + [each.partition("\n")[2] for each in named_cells(cells)]
    return [sum(bool(line.strip()) for line in each.splitlines()) for each in without_names]


def test_cells_fit_on_a_screen(cells) -> None:
    assert max(lines_of_code(cells)) <= 15


def test_the_last_notebook_stays_small() -> None:
    path = ROOT / "notebooks" / "06_evaluation.ipynb"
    lines = lines_of_code(json.loads(path.read_text(encoding="utf-8"))["cells"])
    assert sum(lines) <= 320
    assert len(lines) <= 36


def test_only_the_last_notebook_opens_the_test_images() -> None:
    for name in NOTEBOOKS[:-1]:
        text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert "open_test" not in text
    assert "open_test" in (ROOT / "notebooks" / "06_evaluation.ipynb").read_text(encoding="utf-8")
