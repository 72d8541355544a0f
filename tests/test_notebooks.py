"""The committed notebooks: no outputs, cells in the promised order, the test images opened by the last alone."""

import json
import re

import pytest

from helpers import NOTEBOOKS
from helpers.files import ROOT


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


def test_no_number_of_a_result_is_typed_into_prose(cells) -> None:
    prose = " ".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    assert re.findall(r"\b[01]\.\d{3,}", prose) == []


def test_only_the_last_notebook_opens_the_test_images() -> None:
    for name in NOTEBOOKS[:-1]:
        text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert "open_test" not in text
    assert "open_test" in (ROOT / "notebooks" / "06_evaluation.ipynb").read_text(encoding="utf-8")
