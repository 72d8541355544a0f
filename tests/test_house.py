"""The house: imports run one way, packages are entered by their face, and no room outgrows the head."""

import ast
import json
import re
import subprocess
import sys

import pytest

from helpers import NOTEBOOKS
from helpers.files import ROOT

FLOORS = (
    ("errors", "files", "notation"),
    ("cache_keys", "recipes"),
    ("data",),
    ("features", "networks"),
    ("study", "saved_models"),
    ("onnx_export",),
    ("evaluation",),
    ("figures", "claims"),
    ("report",),
    ("execution", "run", "test_model"),
)
"""From the ground up: a module imports from its own place and from floors below."""

LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}
ROOMS = sorted(path for path in (ROOT / "helpers").rglob("*.py") if path.name != "__init__.py")


def place(path) -> str:
    """Return the package of ``helpers`` that a file belongs to, or its own name where it stands alone."""
    return path.relative_to(ROOT / "helpers").with_suffix("").parts[0]


def imports(path) -> list[tuple[str, ...]]:
    """Return every import of ``helpers`` in a file, as the parts of the module's name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules = [(alias.name,) for node in nodes if node.module == "helpers" for alias in node.names]
    modules += [tuple(node.module.split(".")[1:]) for node in nodes if (node.module or "").startswith("helpers.")]
    return [module for module in modules if module[0] in LEVEL]


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_one_way_and_through_the_faces(path) -> None:
    own = place(path)
    for module in imports(path):
        assert module[0] == own or LEVEL[module[0]] < LEVEL[own] or LEVEL[own] == LEVEL["run"], module
        assert len(module) == 1 or module[0] == own, f"{'.'.join(module)}: expected the package's face"


def test_the_diagram_of_the_architecture_shows_the_imports() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    arrows = set(re.findall(r"^ +(\w+)\S*.* --> (\w+)", text, flags=re.MULTILINE))
    found = {(module[0], place(path)) for path in ROOMS for module in imports(path) if module[0] != place(path)}
    assert arrows <= found
    drawn = set().union(*arrows)
    assert drawn == set(LEVEL) - set().union(*FLOORS[:2])
    for _ in drawn:
        arrows |= {(first, last) for first, a in arrows for b, last in arrows if a == b}
    assert {arrow for arrow in found if drawn.issuperset(arrow)} <= arrows


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_and_its_functions_fit_in_the_head(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 280
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name


def test_helpers_stay_small() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "helpers").rglob("*.py"))
    assert lines <= 7_000


def test_notebooks_use_few_names_and_import_them_in_a_handful_of_lines() -> None:
    names = set()
    for notebook in NOTEBOOKS:
        path = ROOT / "notebooks" / f"{notebook}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert len(re.findall(r"^(?:import|from) ", "\n".join(code), flags=re.MULTILINE)) <= 8
        assert "sys.path" not in "".join(code)
        tree = ast.parse("\n".join(code))
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "helpers":
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module.startswith("helpers."):
                names |= {alias.name for alias in node.names}
        names |= {
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        }
    assert len(names) <= 90, sorted(names)


def test_the_page_is_rendered_without_tensorflow() -> None:
    code = "import sys, helpers.report.page; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_hook_formats_with_the_pinned_ruff() -> None:
    pinned = re.search(r"(?m)^ruff==(\S+)", (ROOT / "requirements/development.txt").read_text(encoding="utf-8"))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"ruff-pre-commit\n +rev: v(\S+)", hooks) == [pinned[1]]
