"""Run the six notebooks and render the report: ``python -m helpers.run``, which ``./run_all.sh`` calls."""

import fcntl
import json
import os
import shlex
import sys
import tempfile
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers import NOTEBOOKS, cache_keys, evaluation, execution, files, networks, report
from helpers.cache_keys import file_sha256, key_of
from helpers.data import CROPS, KEYWORDS, Source, resolve_source, source_fingerprint
from helpers.errors import InputError, OneLineParser, refusing, with_exit_code
from helpers.execution import NotebookFailedError, format_seconds, seconds_left
from helpers.files import ROOT
from helpers.recipes import PROFILES, TESTED_NETWORKS
from helpers.study import CLASSICAL, SCHEDULER, open_study

DEFAULT_OUT = str(ROOT / "outputs")

PAGE = ("page.py", "markup.py", "references.py", "published.json", "template/")
NOT_IN_NOTEBOOKS = (*(f"report/{name}" for name in PAGE), "run.py", "execution.py", "test_model.")
"""No notebook depends on these. A change there executes nothing, and the page is rendered every time."""

PRODUCTS = (
    *("results.json", "MODEL_CARD.md", "test_predictions.npz"),
    *("split.csv", "dropped.csv", "shared_errors.csv"),
    *(f"models/{name}.skops" for name in CLASSICAL),
    *(f"models/{name}.{suffix}" for name in TESTED_NETWORKS for suffix in ("keras", "onnx")),
)
"""The files that the last notebook writes. If one is missing or has changed, the notebook is due again."""


def parse(arguments: list[str] | None) -> Namespace:
    """Return the options by their names; InputError if they are wrong. ``--help`` ends the program."""
    parser = OneLineParser(prog="./run_all.sh", description="Run the six notebooks and render the report.")
    parser.add_argument("--data", default="auto", type=_path, metavar="SOURCE",
                        help=f"{', '.join(KEYWORDS)}, an .npz file, a folder or a zip (default: auto)")  # fmt: skip
    parser.add_argument("--classes", default="", metavar="NAME,NAME,…",
                        help="the class of each label in ascending order, if the data do not name them")  # fmt: skip
    parser.add_argument("--crop", default="auto", choices=CROPS,
                        help="how images are framed (default: auto, by their size)")  # fmt: skip
    parser.add_argument("--profile", default="quick", choices=PROFILES, help="extent (default: quick)")
    parser.add_argument("--out", default=DEFAULT_OUT, type=_path, metavar="DIR", help="default: outputs")
    parser.add_argument("--pdf", action="store_true", help="also print report.pdf, with Chromium")
    parser.add_argument("--external", type=_path, metavar="FILE",
                        help="cells of another laboratory, only to test on (an .npz file or a folder)")  # fmt: skip
    parser.add_argument("--dask", metavar="ADDRESS", default=os.environ.get(SCHEDULER),
                        help="spread the work over a Dask cluster (tcp://HOST:PORT) or this machine's cores (local), "
                        f"with the same results. Notebooks opened by hand read the address in {SCHEDULER}")  # fmt: skip
    return parser.parse_args(arguments)


def _path(word: str) -> str:
    # notebooks take their parameters as UTF-8
    if not word.strip() or word.encode(errors="replace").decode() != word:
        raise ArgumentTypeError(f"{word!r}: empty or not UTF-8, expected the name of a file or folder")
    return word


def command(options: Namespace) -> str:
    """Return the command that repeats the results from the checkout; --pdf and --dask do not change them."""

    def place(path: str) -> str:
        return path if Path.cwd() == ROOT else str(Path(path).expanduser().absolute())

    data = options.data if options.data in KEYWORDS else place(options.data)
    words = ["./run_all.sh", "--data", data, "--profile", options.profile]
    words += ["--classes", options.classes] if options.classes else []
    words += ["--crop", options.crop] if options.crop != "auto" else []
    words += ["--external", place(options.external)] if options.external else []
    words += ["--out", place(options.out)] if options.out != DEFAULT_OUT else []
    return shlex.join(words)


def notebook_keys(options: Namespace, source: Source, external: Source | None = None) -> dict[str, str]:
    """Return a key per notebook over everything its outputs depend on, the notebooks before it included.

    Only the last one, which tests and writes the results, depends on the external cells and on what "auto" chose.
    """
    code = [file for file in cache_keys.source_files(".").items() if not file[0].startswith(NOT_IN_NOTEBOOKS)]
    packages = cache_keys.versions(*(package for package in cache_keys.LIBRARIES if package != "report"))
    data = (source_fingerprint(source), options.classes, options.crop)
    key = key_of(options.profile, *data, code, packages, sys.version)
    keys = {}
    for name in NOTEBOOKS:
        cells = json.loads((execution.NOTEBOOK_FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        key = key_of(key, [[cell["cell_type"], cell["source"]] for cell in cells])
        if name == NOTEBOOKS[-1]:
            key = key_of(key, bool(source.reason), external and source_fingerprint(external))
        keys[name] = key
    return keys


def products(name: str, out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the notebook ``name`` has written to ``out``, by its path there."""
    left = PRODUCTS if name == NOTEBOOKS[-1] else ()
    return {file: file_sha256(out / file) for file in left if (out / file).is_file()}


def previous_run(path: Path) -> dict[str, Any]:
    """Return what `note_run` wrote into an executed notebook, or nothing if its cells or outputs have changed."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        found = dict(notebook["metadata"]["run"])
        return found if found["cells"] == _cells_key(notebook) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def note_run(path: Path, facts: dict[str, Any]) -> None:
    """Write into an executed notebook how it was made: key, profile, products, seconds, peak_memory_mib."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["run"] = facts | {"cells": _cells_key(notebook)}
    files.write_text(path, json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def _cells_key(notebook: dict[str, Any]) -> str:
    return key_of([[cell["source"], cell.get("outputs")] for cell in notebook["cells"]])


@contextmanager
def locked_folder(out: Path) -> Iterator[Path]:
    """Lock ``out`` for this run and yield it resolved; InputError if another run uses it or it cannot be used."""
    with refusing(f"--out {out}", "a folder to write to"):
        out = out.expanduser().resolve()
        folders = (out, out / "runs", out / "models", out / "notebooks")
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()  # refused now, not after an hour
        lock = (out / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"--out {out}: another run uses it, expected a folder of its own") from None
        except OSError:
            pass  # a file system without locks
        for folder in folders:
            files.remove_leftovers(folder)
        yield out


def run(options: Namespace, say: Callable[[str], None] = tqdm.write) -> Path:
    """Execute what has changed and render the report, in about a second; return its path."""
    begun = time.perf_counter()
    source = resolve_source(options.data)
    external = resolve_source(Path(options.external)) if options.external else None
    with locked_folder(Path(options.out)) as out, ExitStack() as stack:
        parameters = {"DATA": str(source.path or source.kind), "PROFILE": options.profile, "OUT": str(out)}
        parameters |= {"CLASSES": options.classes, "CROP": options.crop}
        more = {"EXTERNAL": str(external.path)} if external else {}
        executed = {name: out / "notebooks" / f"{name}.ipynb" for name in NOTEBOOKS}
        runs = {name: previous_run(path) for name, path in executed.items()}
        keys = notebook_keys(options, source, external)
        due = _seconds_of_due(runs, keys, options.profile, out)
        if source.reason:
            say(source.reason)
        if due:
            _try_inputs(options, parameters | more, stack, say)
        for number, name in enumerate(NOTEBOOKS, start=1):
            title = f"[{number}/{len(NOTEBOOKS)}] {name}"
            if name not in due:
                say(f"{title}: unchanged")
                continue
            elapsed, left = map(format_seconds, (time.perf_counter() - begun, seconds_left(due, name)))
            say(f"{title}: running, {elapsed} elapsed, about {left} left")
            is_last = name == NOTEBOOKS[-1]
            runs[name] = execution.execute_notebook(name, parameters | (more if is_last else {}), due, say)
            if is_last:
                asked = {"requested": options.data, "reason": source.reason}
                report.add_run_details(out, command(options), asked, runs)
            # if the checkout or the data changed meanwhile, the result belongs to neither and is due again
            key = keys[name] if notebook_keys(options, source, external)[name] == keys[name] else None
            facts = {"key": key, "profile": options.profile, "products": products(name, out)}
            note_run(executed[name], runs[name] | facts)
            say(f"{title}: done in {format_seconds(runs[name]['seconds'])}")
        page = report.render_report(out)
        if options.pdf:
            say(f"PDF: {report.print_pdf(page)}")
        what = f"{len(due)} of {len(NOTEBOOKS)} notebooks executed" if due else "nothing had changed"
        say(f"{what}, {format_seconds(time.perf_counter() - begun)} in all. Report: {page}")
    return page


def _seconds_of_due(runs: dict[str, Any], keys: dict[str, str], profile: str, out: Path) -> dict[str, float]:
    """Return the notebooks that are due, with the seconds that each took last time or typically takes."""
    due = {}
    for name, typical in zip(NOTEBOOKS, PROFILES[profile].typical_seconds, strict=True):
        last = runs[name]
        if (last.get("key"), last.get("products")) != (keys[name], products(name, out)):
            due[name] = last["seconds"] if last.get("profile") == profile else typical
    return due


def _try_inputs(
    options: Namespace, parameters: dict[str, str], stack: ExitStack, say: Callable[[str], None]
) -> None:
    """Refuse input that cannot be used before anything is executed, and start the machines that help."""
    cells = open_study(*(parameters[name] for name in ("DATA", "PROFILE", "OUT", "CLASSES", "CROP"))).cells
    for line in (*cells.notes, *(f"warning: {warning}" for warning in cells.warnings)):
        say(line)
    if options.pdf:
        report.find_chromium()
    if "EXTERNAL" in parameters:
        evaluation.load_external(parameters["EXTERNAL"])
    if options.dask:
        os.environ[SCHEDULER] = stack.enter_context(networks.scheduler_at(options.dask))
        stack.callback(os.environ.pop, SCHEDULER)


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 if a notebook failed, or 2 if input or options cannot be used."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a pipe or a log shows each line at once
    try:
        run(parse(arguments))
    except BrokenPipeError:
        raise
    except (NotebookFailedError, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped. The next run continues from here.", file=sys.stderr)
        os._exit(130)  # the notebook's process ends when this one is gone
    return 0


if __name__ == "__main__":
    sys.exit(main())
