"""What readers see is in plain words, and no caption holds a number that another run could change."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import NOTEBOOKS
from helpers.files import ROOT

PRIVATE_WORDS = re.compile(
    r"\b(?:rungs?|ledgers?|judg(?:e[sd]?|ing|e?ments?)|yardsticks?|anew|mend(?:s|ed|ing)?|surest|trainings|settled|"
    r"as printed|lamps?|bears?|pictures?|drawn cells|other acquisitions|no fit to|"
    r"(?:honest|training|validation|test) parts?)\b",
    re.IGNORECASE,
)
"""Words that readers would stumble over, for each of which the field has its own."""

CODE = re.compile(r"(?s)```.*?```|``[^`]*``|`[^`]*`|\]\([^)]*\)|</?picture>")
"""Code, addresses and markup in Markdown and docstrings."""

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]

CONSTANTS = re.compile(
    r"\b95 %|\bC\d\d\b|\bchapters? \d\b|\bclass(?:es)? \d(?:(?:, | and | to )\d)*|\b0 to 255\b|\b48×48\b|"
    r"\((?:[^()]* )?(?:19|20)\d\d\)|\bet al\. (?:19|20)\d\d\b|\]\(#[\w-]+\)|"
    r"\bseed 0\b|\b1\.5 interquartile\b|\b80 % (?:rule|threshold)"
)
"""Numbers in captions that no run changes: of claims, chapters, classes, years and links, and definitions."""


def code_cells(path: Path) -> ast.Module:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))


def literals(tree: ast.Module) -> str:
    """Return the string literals of a module that read as words, docstrings included, a line each."""
    values = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\n".join(value for value in values if isinstance(value, str) and " " in value.strip())


def readable(path: Path) -> str:
    """Return what a reader sees of a file: no code, no markup."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return CODE.sub("", literals(ast.parse(text)))
    if path.suffix == ".j2":
        return re.sub(r"(?s)\{[#%{].*?[#%}]\}|<[^>]*>", "", text)
    if path.suffix == ".toml":
        text = re.sub(r"(?m)^\[.*?\]|^\w+ = ", "", text)  # names of tables and values are code
    if path.suffix == ".ipynb":
        prose = ["".join(each["source"]) for each in json.loads(text)["cells"] if each["cell_type"] == "markdown"]
        text = "\n".join([*prose, literals(code_cells(path))])
    return CODE.sub("", text)


SOURCES = sorted(
    [
        *DOCUMENTS,
        *(ROOT / "notebooks" / f"{name}.ipynb" for name in NOTEBOOKS),
        *(path for folder in ("helpers", "tools") for path in (ROOT / folder).rglob("*.py")),
        *(path for kind in ("*.j2", "*.toml", "columns.csv") for path in (ROOT / "helpers").rglob(kind)),
    ]
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_readers_meet_no_private_words(path: Path) -> None:
    text = readable(path)
    found = [text[max(0, each.start() - 40) : each.end() + 20] for each in PRIVATE_WORDS.finditer(text)]
    assert found == []


def test_private_words_are_found_in_prose_and_not_in_code_or_longer_words() -> None:
    for text in ("each rung of it", "The Ledger", "as printed", "judged by", "the test part", "drawn cells"):
        assert PRIVATE_WORDS.search(text)
    for text in (
        "wrung",
        "a partial test",
        "training and other parts",
        "recommended",
        "forbearing",
        "one test",
    ):
        assert not PRIVATE_WORDS.search(text)


def is_caption(node: ast.expr) -> bool:
    """Return whether a variable is named as a caption; what it holds is looked at where it is assigned."""
    return isinstance(node, ast.Name) and "caption" in node.id


def _values(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.Dict(values=values) | ast.List(elts=values) | ast.Tuple(elts=values):
            return values
    return [node]


def captions(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the captions of figures and tables, as expressions: third arguments, and what is assigned to captions.

    Of a dictionary, list or tuple of captions, these are its values.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("show_figure", "show_table")):
            named = [keyword.value for keyword in node.keywords if keyword.arg == "caption"]
            yield from [*node.args[2:3], *named]
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each for target in targets for each in ast.walk(target)]
            if any(map(is_caption, names)):
                yield from _values(node.value)


def changeable(caption: ast.expr) -> str:
    """Return what a run could change in a caption: the code that computes it, or the numbers in it."""
    if is_caption(caption):
        return ""
    if not isinstance(caption, ast.Constant) or not isinstance(caption.value, str):
        return ast.unparse(caption)
    return "".join(re.findall(r"\S*\d\S*", CONSTANTS.sub("", caption.value)))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_captions_are_plain_text_without_results(name: str) -> None:
    found = [changeable(caption) for caption in captions(code_cells(ROOT / "notebooks" / f"{name}.ipynb"))]
    assert [each for each in found if each] == []


def test_captions_with_results_are_found_wherever_they_stand() -> None:
    source = """
caption = "Bars are 95 % intervals (Wilson 1927), as in claims C02 and C16, chapter 4 and classes 1, 3 and 6."
figures.show_figure(drawing, "slug", caption)
show_table(frame, "slug", "Grey levels from 0 to 255 ([table](#table-2)).", n=12)
figures.show_table(frame, "slug", f"{count} images.")
figures.show_table(frame, "slug", caption="Right: 97.3 %.")
caption = "Of " "1,201 images."
captions = {"recall": "Recall.", "roc": "ROC of 5 models."}
for key, caption in captions.items():
    figures.show_table(frame, key, caption)
curves_caption, drawing = ("Loss.", "12 epochs.")
caption += f"Of {count}."
caption_of_all: str = "Of 9."
"""
    found = {changeable(each) for each in captions(ast.parse(source))}
    assert found == {"", "1,201", "f'{count} images.'", "97.3", "5", "12", "f'Of {count}.'", "9."}
