"""How many small faults in `helpers` its tests notice: ``python -m tools.mutants data claims``.

It draws faults from all that mutmut can make, tests each with the tests of its own package in a copy of the project,
and prints those that no test noticed. mutmut is in no list of requirements (``pip install mutmut==3.8.1``).
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from statsmodels.stats.proportion import proportion_confint

from helpers.errors import InputError, OneLineParser, with_exit_code
from helpers.files import ROOT

PACKAGES = ("claims", "data", "evaluation", "features", "networks", "report")
MODULES = ("execution", "files", "notation", "onnx_export", "saved_models", "study", "test_model")
TESTS = {name: [f"tests/{name}"] for name in PACKAGES} | {"modules": [f"tests/test_{name}.py" for name in MODULES]}
"""The tests of each package, and of the modules beside the packages."""


def mutmut(*arguments: str, copy: Path) -> str:
    command = [Path(sys.executable).with_name("mutmut"), *arguments]
    return subprocess.run(command, cwd=copy, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def exit_codes(copy: Path) -> dict[str, int | None]:
    """Return for each fault the exit code of its tests, or None where they did not run."""
    found = sorted(copy.glob("mutants/helpers/**/*.meta"))
    return {name: code for path in found for name, code in json.loads(path.read_text())["exit_code_by_key"].items()}


def draw_and_test(package: str, one_in: int, seed: int, copy: Path) -> tuple[int, list[str]]:
    """Return how many faults were tested, and the change that each makes that no test noticed."""
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "outputs"))
    copied = [path.name for path in copy.iterdir() if path.name not in ("helpers", "tests")]
    mutated = (
        [f"helpers/{package}/*"]
        if package in PACKAGES
        else [f"helpers/{path.name}" for path in copy.glob("helpers/*.py")]
    )
    lists = {"source_paths": ["helpers"], "only_mutate": mutated, "also_copy": copied}
    lists |= {"pytest_add_cli_args_test_selection": TESTS[package], "process_isolation": ["forkserver"]}
    (copy / "setup.cfg").write_text(
        "[mutmut]\n" + "".join(f"{key} = " + "\n  ".join(values) + "\n" for key, values in lists.items())
    )
    said = mutmut("run", "no fault has this name", copy=copy)  # makes the faults, and finds the tests of each
    if not (names := list(exit_codes(copy))) or not (copy / "mutants" / "mutmut-stats.json").exists():
        raise InputError(f"{package}: mutmut could not run its tests; it ended with {said[-300:]!r}")
    drawn = random.Random(seed).sample(names, -(-len(names) // one_in))
    said = mutmut("run", "--max-children", "1", *drawn, copy=copy)
    codes = exit_codes(copy)
    if unfinished := [name for name in drawn if codes[name] is None]:
        raise InputError(f"{package}: {len(unfinished)} faults were not tested; mutmut ended with {said[-300:]!r}")
    return len(drawn), [mutmut("show", name, copy=copy) for name in drawn if codes[name] in (0, 5, 33)]


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 once all faults that were drawn are tested, and 2 if the options are wrong or mutmut ends early."""
    parser = OneLineParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("packages", nargs="*", choices=[*TESTS, []], help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--one-in", type=int, default=25, help="of so many faults one is tested (default: 25)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    options = parser.parse_args(arguments)
    if options.one_in < 1 or not Path(sys.executable).with_name("mutmut").exists():
        raise InputError("expected --one-in of at least 1, and mutmut beside Python; pip install mutmut==3.8.1")
    counts = []
    for package in options.packages or TESTS:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            tested, unnoticed = draw_and_test(package, options.one_in, options.seed, Path(folder, "copy"))
        print(*unnoticed, f"{package}: {tested - len(unnoticed)} of {tested} faults noticed", sep="\n", flush=True)
        counts.append((tested - len(unnoticed), tested))
    noticed, tested = map(sum, zip(*counts, strict=True))
    low, high = proportion_confint(noticed, tested, method="wilson")
    print(f"{noticed} of {tested} faults noticed: {noticed / tested:.1%} (95 % CI {low:.1%} to {high:.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
