"""How many small faults in a part of `helpers` its own tests notice: ``python -m tools.mutants data``.

It draws faults from all that mutmut can make, tests them in a copy of the project, and prints those that no test
noticed. mutmut is in no list of requirements (``pip install mutmut==3.8.1``).
"""

import os
import random
import sys
import tempfile
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

from statsmodels.stats.proportion import proportion_confint

from helpers.errors import InputError, OneLineParser, with_exit_code
from helpers.files import ROOT


def draw_and_test(one_in: int, seed: int) -> tuple[int, list[str]]:
    """Return how many faults were tested in the working directory, and the changes that no test noticed."""
    try:
        from mutmut import __main__ as mutmut
        from mutmut.mutation import file_mutation
    except ImportError:
        raise InputError("mutmut is not installed; pip install mutmut==3.8.1") from None
    for name in [name for name in sys.modules if name.split(".")[0] == "helpers"]:
        del sys.modules[name]  # the tests run in forks of this process, and must import the copy
    create = file_mutation.create_mutations

    def draw(path: str, *more: Any) -> tuple[Any, list[Any], Any, Any]:
        module, faults, *others = create(path, *more)
        faults = [fault for fault in faults if fault.contained_by_top_level_function]
        return module, random.Random(f"{seed}{path}").sample(faults, -(-len(faults) // one_in)), *others

    file_mutation.create_mutations = draw
    mutmut.run.main(["--max-children", "1"], standalone_mode=False)
    tested, _ = mutmut.collect_source_file_mutation_data(mutant_names=())
    failed = (1, 3)  # exit codes of pytest; a fault that only makes tests late counts as unnoticed
    unnoticed = [(name, data.path) for data, name, exit_code in tested if exit_code not in failed]
    return len(tested), [mutmut.get_diff_for_mutant(name, path=path) for name, path in unnoticed]


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 once the faults are tested, and 2 if the options are wrong; mutmut ends with 1 where tests fail."""
    parser = OneLineParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("part", help="a package or module of helpers, such as data or notation")
    parser.add_argument("--one-in", type=int, default=25, help="how many faults there are for one tested (default: 25)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    options = parser.parse_args(arguments)
    is_package = (ROOT / "helpers" / options.part).is_dir()
    mutated, tests = (
        (f"{options.part}/*", options.part) if is_package else (f"{options.part}.py", f"test_{options.part}.py")
    )
    if options.one_in < 1 or not (ROOT / "tests" / tests).exists():
        raise InputError(f"expected --one-in of at least 1, and a part with tests in tests/{tests}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = copytree(
            ROOT, Path(folder, "copy"), ignore=ignore_patterns(".git", ".venv", "*__", ".*_cache", "outputs")
        )
        copied = "\n  ".join(path.name for path in copy.iterdir() if path.name not in ("helpers", "tests"))
        (copy / "setup.cfg").write_text(
            f"[mutmut]\nsource_paths = helpers\nonly_mutate = helpers/{mutated}\nalso_copy =\n  {copied}\n"
            f"pytest_add_cli_args_test_selection = tests/{tests}\nprocess_isolation = forkserver\n"
        )
        os.chdir(copy)
        tested, unnoticed = draw_and_test(options.one_in, options.seed)
        os.chdir(ROOT)
    low, high = proportion_confint(tested - len(unnoticed), tested, method="wilson")
    print(*unnoticed, f"{options.part}: {tested - len(unnoticed)} of {tested} faults noticed", sep="\n", end=" ")
    print(f"(95 % CI of the share {low:.1%} to {high:.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
