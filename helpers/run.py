"""Run the six notebooks and render the report: ``python -m helpers.run``, which ``./run_all.sh`` calls."""

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from helpers import NOTEBOOKS
from helpers.cells import InputError
from helpers.command_line import with_exit_code
from helpers.data import Source, resolve_source, source_fingerprint
from helpers.execution import CELL_TIME_LIMIT, NOTEBOOK_FOLDER, NotebookFailedError, execute_whole
from helpers.options import Options, parse
from helpers.progress import Progress, in_words
from helpers.provenance import PACKAGES, PAGE_PACKAGES
from helpers.recipes import NETWORKS
from helpers.storage import ROOT, file_sha256, key_of, remove_leftovers, write_json, write_text
from helpers.study import CLASSICAL, SCHEDULER, open_study

TYPICAL_SECONDS = {
    "smoke": (10, 10, 20, 30, 25, 45),
    "quick": (15, 15, 80, 130, 75, 100),
    "full": (15, 15, 80, 3300, 1500, 300),
}
"""Seconds per notebook on two cores, for the first run's estimate; later runs use their own times."""

PAGE = ("report.py", "markup.py")
"""Rooms on which, with the template, only the page depends: a change here renders anew and executes nothing."""

COMMANDS = (
    "run.py",
    "options.py",
    "execution.py",
    "progress.py",
    "test_model.py",
    "compare.py",
    "benchmark.py",
    "benchmark_training.py",
)
"""Rooms that no notebook enters: a change here executes nothing."""

PRODUCTS = {
    "02_preprocess": ("split.csv", "dropped.csv"),
    "06_evaluation": (
        "results.json",
        "test_predictions.npz",
        "shared_errors.csv",
        "MODEL_CARD.md",
        *(f"models/{name}.skops" for name in CLASSICAL),
        *(f"models/{name}.{suffix}" for name in NETWORKS for suffix in ("keras", "onnx")),
    ),
}
"""What notebooks leave beside their cells: where one is missing or not as the notebook left it, it is due again."""


def notebook_keys(options: Options, source: Source, external: Source | None = None) -> dict[str, str]:
    """Return a key per notebook over everything its outputs depend on, the notebooks before it included.

    Of these only the last one, which tests and writes the results, sees the external cells and that "auto" chose.
    """
    helpers = sorted(path for form in ("*.py", "*.mplstyle") for path in (ROOT / "helpers").rglob(form))
    rooms = [(path.name, file_sha256(path)) for path in helpers if path.name not in PAGE + COMMANDS]
    versions = [version(name) for name in PACKAGES]
    key = key_of(options.profile, source_fingerprint(source), rooms, versions, sys.version)
    keys = {}
    for name in NOTEBOOKS:
        cells = json.loads((NOTEBOOK_FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        key = key_of(key, [[cell["cell_type"], cell["source"]] for cell in cells])
        if name == NOTEBOOKS[-1]:
            key = key_of(key, bool(source.reason), external and source_fingerprint(external))
        keys[name] = key
    return keys


def previous_run(path: Path) -> dict[str, Any]:
    """Return what an executed notebook says of its run (key, seconds, peak_memory_mib), or nothing.

    Nothing too where its cells or their outputs are no longer those of the run.
    """
    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        found = dict(notebook["metadata"]["run"])
        return found if found["cells"] == _cells_key(notebook) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _cells_key(notebook: dict[str, Any]) -> str:
    return key_of([[cell["source"], cell.get("outputs")] for cell in notebook["cells"]])


@contextmanager
def only_run_in(out: Path) -> Iterator[None]:
    """Hold ``out`` for this run; InputError where it cannot be written or another run holds it."""
    try:
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"--out {out}: cannot be written ({error.strerror}), expected a folder of yours"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"--out {out}: another run is writing there, expected a folder of its own"
            ) from error
        except OSError:
            pass  # a file system without locks
        for folder in (out, out / "runs", out / "models", out / "notebooks"):
            remove_leftovers(folder)
        for leftover in (out / "notebooks").glob(".*.running.*"):
            leftover.unlink()
        yield


def run(options: Options, say: Callable[[str], None] = tqdm.write) -> Path:
    """Execute what has changed and render the report; return its path."""
    source = resolve_source(options.data)
    external = resolve_source(Path(options.external)) if options.external else None
    data = str(source.path) if source.path else source.kind
    try:
        out = options.out.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise InputError(f"--out {options.out}: leads nowhere ({error}), expected a folder") from error
    if options.pdf:
        from helpers.report import find_chromium

        find_chromium()  # said before anything is executed
    with only_run_in(out), ExitStack() as stack:
        keys = notebook_keys(options, source, external)
        executed = {name: out / "notebooks" / f"{name}.ipynb" for name in NOTEBOOKS}
        ran = {name: previous_run(executed[name]) for name in NOTEBOOKS}
        results, report = out / "results.json", out / "report.html"
        due = [
            name
            for name in NOTEBOOKS
            if (ran[name].get("key"), ran[name].get("products")) != (keys[name], products(name, out))
        ]
        expected: dict[str, float] = dict(zip(NOTEBOOKS, TYPICAL_SECONDS[options.profile], strict=True))
        for name in NOTEBOOKS:
            if ran[name].get("profile") == options.profile:
                expected[name] = ran[name]["seconds"]
        expected = {name: expected[name] for name in due}

        if source.reason:
            say(source.reason)
        if due:
            # what cannot be used is said now, in one line, before anything is executed
            open_study(data, options.profile, out)
            if external:
                from helpers.robustness import load_external

                assert external.path

                load_external(external.path)
            if options.dask:
                from helpers.distribution import scheduler_at

                os.environ[SCHEDULER] = stack.enter_context(scheduler_at(options.dask))
                stack.callback(os.environ.pop, SCHEDULER)
        parameters = {"DATA": data, "PROFILE": options.profile, "OUT": str(out)}
        with closing(Progress(expected, out / "runs", say)) as progress:
            for number, name in enumerate(NOTEBOOKS, start=1):
                title = f"[{number}/{len(NOTEBOOKS)}] {name}"
                if name not in due:
                    say(f"{title}: unchanged")
                    continue
                elapsed, left = in_words(progress.elapsed()), in_words(progress.left(name))
                say(f"{title}: running … {elapsed} elapsed, about {left} left")
                limit = CELL_TIME_LIMIT[options.profile]
                if external and name == NOTEBOOKS[-1]:
                    parameters["EXTERNAL"] = str(external.path)
                facts = execute_whole(name, parameters, limit, executed[name], progress)
                ran[name] = facts
                if name == NOTEBOOKS[-1]:
                    _complete_results(results, options, source, ran)
                # what was executed while the checkout or the data changed is nothing's result, and due again
                key = keys[name] if notebook_keys(options, source, external)[name] == keys[name] else None
                facts |= {"key": key, "profile": options.profile, "products": products(name, out)}
                _note(executed[name], facts)
                say(f"{title}: done in {in_words(facts['seconds'])}")
        page = [
            *(ROOT / "helpers" / room for room in PAGE),
            *sorted((ROOT / "helpers" / "report_template").iterdir()),
        ]
        versions = [version(name) for name in PAGE_PACKAGES]
        page_key = key_of(versions, [file_sha256(path) for path in (*page, *executed.values(), results)])
        rendered = out / ".report-key"
        if not (report.exists() and rendered.exists() and rendered.read_text() == page_key):
            from helpers.report import render_report

            render_report(out)
            write_text(rendered, page_key)
        if options.pdf:
            from helpers.report import print_pdf

            say(f"Printed: {print_pdf(report)}")
        what = f"{len(due)} of {len(NOTEBOOKS)} notebooks executed" if due else "nothing had changed"
        say(f"{what}; {in_words(progress.elapsed())} in all. The report: {report}")
    return report


def _note(executed: Path, facts: dict[str, Any]) -> None:
    """Write into an executed notebook how it came about; without this note it counts as not executed."""
    notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
    notebook["metadata"]["run"] = facts | {"cells": _cells_key(notebook)}
    write_text(executed, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]


def products(name: str, out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the notebook ``name`` has left in ``out``, by its path there."""
    return {file: file_sha256(out / file) for file in PRODUCTS.get(name, ()) if (out / file).is_file()}


def _complete_results(path: Path, options: Options, source: Source, runs: dict[str, dict[str, Any]]) -> None:
    """Add to results.json what only the runner knows: command, where the data came from, time and memory."""
    results = json.loads(path.read_text(encoding="utf-8"))
    results["data"] |= {"requested": options.data, "reason": source.reason}
    results["provenance"] |= {
        "command": options.command(),
        "notebooks": {
            name: {"seconds": found["seconds"], "peak_memory_mib": found["peak_memory_mib"]}
            for name, found in runs.items()
        },
    }
    write_json(path, results)


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 2 where input or options cannot be used, 1 where a notebook failed."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a pipe or a log shows each line when it is said
    try:
        run(parse(arguments))
    except (NotebookFailedError, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the next run continues from here", file=sys.stderr)
        os._exit(130)  # at once: the notebook's process ends when it sees this one gone
    return 0


if __name__ == "__main__":
    sys.exit(main())
