"""Compare the results of two runs: ``python -m tools.compare A/results.json B/results.json``."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.errors import OneLineParser, refused, refusing, with_exit_code

CIRCUMSTANCES = {"provenance", "train_seconds", "train_joules", "train_threads", "requested", "reason"}
"""Keys that describe how a run went and not what it found. If only these differ, the results are the same."""

MISSING = "(missing)"


def read_results(path: Path) -> dict[str, Any]:
    """Return the results in ``path``; InputError if they cannot be read."""
    with refusing(path, "a results.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(found, dict) and "models" in found:
        return found
    raise refused(path, 'holds no "models", expected a results.json')


def differences(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, value in a, value in b) for every value that differs, in the order of the keys of ``a``."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a | b:
            yield from differences(a.get(key, MISSING), b.get(key, MISSING), f"{path}.{key}" if path else key)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            name = left.get("id", index) if isinstance(left, dict) else index
            yield from differences(left, right, f"{path}[{name}]")
    elif a != b:
        yield path, a, b


def is_circumstance(path: str) -> bool:
    """Return whether the value at ``path`` describes how a run went and not what it found."""
    return not CIRCUMSTANCES.isdisjoint(path.replace("[", ".").split("."))


def _line(path: str, a: Any, b: Any) -> str:
    both_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (a, b))
    change = f"  ({b - a:+.4g})" if both_numbers else ""
    return f"  {path}: {json.dumps(a, ensure_ascii=False)} -> {json.dumps(b, ensure_ascii=False)}{change}"


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the two runs have the same results, 1 if they do not, and 2 if a file cannot be read."""
    parser = OneLineParser(prog="python -m tools.compare", description=__doc__)
    parser.add_argument("a", type=Path, help="results.json of one run")
    parser.add_argument("b", type=Path, help="results.json of another")
    options = parser.parse_args(arguments)
    found = list(differences(read_results(options.a), read_results(options.b)))
    results = [difference for difference in found if not is_circumstance(difference[0])]
    circumstances = [difference for difference in found if is_circumstance(difference[0])]
    for what, differing, otherwise in (
        ("results", results, "the same digits"),
        ("circumstances", circumstances, "the same"),
    ):
        count = "1 value differs" if len(differing) == 1 else f"{len(differing)} values differ"
        print(f"{what}: {count if differing else otherwise}", *(_line(*each) for each in differing), sep="\n")
    return 1 if results else 0


if __name__ == "__main__":
    sys.exit(main())
