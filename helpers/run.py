"""Run the six notebooks and render the report: ``python -m helpers.run``, which ``./run_all.sh`` calls."""

import fcntl
import json
import multiprocessing
import os
import shlex
import signal
import sys
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from helpers import NOTEBOOKS, cache_keys, evaluation, execution, files, networks, report
from helpers.data import CROPS, KEYWORDS, Source, resolve_source, source_fingerprint
from helpers.errors import InputError, OneLineParser, refusing, with_exit_code
from helpers.execution import NotebookFailedError, format_seconds
from helpers.recipes import PROFILES
from helpers.study import SCHEDULER, open_study

DEFAULT_OUT = str(files.ROOT / "outputs")

PAGE = ("report/page.py", "report/markup.py", "report/references.py", "report/published.json", "report/template/")
NOT_IN_NOTEBOOKS = (*PAGE, "run.py", "execution.py", "test_model.")
"""No notebook depends on these. A change there executes nothing, and the page is rendered every time."""

LAST_RUN = "run.json"  # what is known of the last finished run, in its folder

TITLES = {name: f"[{number}/{len(NOTEBOOKS)}] {name}" for number, name in enumerate(NOTEBOOKS, start=1)}


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
    parser.add_argument("--dask", metavar="ADDRESS", default=os.environ.get(SCHEDULER, "local"),
                        help="spread the work over a Dask cluster (tcp://HOST:PORT), with the same results (default: "
                        f"local, this machine's cores). Notebooks opened by hand read {SCHEDULER}")  # fmt: skip
    return parser.parse_args(arguments)


def _path(word: str) -> str:
    # notebooks take their parameters as UTF-8
    if not word.strip() or word.encode(errors="replace").decode() != word:
        raise ArgumentTypeError(f"{word!r}: empty or not UTF-8, expected the name of a file or folder")
    return word


def command(options: Namespace) -> str:
    """Return the command that repeats the results from the checkout; --pdf and --dask do not change them."""
    words = ["./run_all.sh"]
    for name in ("data", "profile", "classes", "crop", "external", "out"):
        value = getattr(options, name)
        if value not in (None, "", "auto", DEFAULT_OUT):
            is_path = name in ("data", "external", "out") and value not in KEYWORDS and Path.cwd() != files.ROOT
            words += [f"--{name}", str(Path(value).expanduser().absolute()) if is_path else value]
    return shlex.join(words)


def run_key(options: Namespace, source: Source, external: Source | None = None) -> str:
    """Return a key over everything that the results depend on: data, options, source, packages and cells."""
    code = [file for file in cache_keys.source_files(".").items() if not file[0].startswith(NOT_IN_NOTEBOOKS)]
    packages = cache_keys.versions(*(package for package in cache_keys.LIBRARIES if package != "report"))
    texts = [(execution.NOTEBOOK_FOLDER / f"{name}.ipynb").read_text(encoding="utf-8") for name in NOTEBOOKS]
    cells = [[cell["cell_type"], cell["source"]] for text in texts for cell in json.loads(text)["cells"]]
    data = (source_fingerprint(source), bool(source.reason), external and source_fingerprint(external))
    return cache_keys.key_of(options.profile, options.classes, options.crop, *data, code, packages, sys.version, cells)


def products(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the notebooks write in ``out``, by its path there."""
    patterns = ("*.csv", "*.json", "*.md", "*.npz", "models/*.*", "notebooks/*.ipynb")
    found = (path for pattern in patterns for path in out.glob(pattern))
    return {path.relative_to(out).as_posix(): cache_keys.file_sha256(path) for path in found if path.name != LAST_RUN}


def last_run(out: Path) -> dict[str, Any]:
    """Return the key and the products of the last finished run; nothing without one."""
    with suppress(OSError, ValueError, TypeError):
        return dict(json.loads((out / LAST_RUN).read_text(encoding="utf-8")))
    return {}


@contextmanager
def locked_folder(out: Path) -> Iterator[Path]:
    """Lock ``out`` for this run and yield it resolved; InputError if another run uses it or it cannot be used."""
    with refusing(f"--out {out}", "a folder to write to"):
        out = out.expanduser().resolve()
        folders = (out, out / "runs", out / "models", out / "notebooks")
        for folder in folders:
            files.prepare_folder(folder)
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


def run(options: Namespace, say: Callable[[str], None] = print) -> Path:
    """Execute the notebooks unless nothing has changed, render the report and return its path."""
    begun = time.perf_counter()
    source = resolve_source(options.data)
    external = resolve_source(Path(options.external)) if options.external else None
    with locked_folder(Path(options.out)) as out:
        if source.reason:
            say(source.reason)
        key, last = run_key(options, source, external), last_run(out)
        is_due = last.get("key") != key or not last["products"].items() <= products(out).items()
        if is_due:
            notebooks = execute_notebooks(options, source, external, out, say)
            asked = {"requested": options.data, "reason": source.reason}
            report.add_run_details(out, command(options), asked, notebooks)
            # if the checkout or the data changed meanwhile, the results belong to neither and are due again
            still = key if run_key(options, source, external) == key else None
            files.write_json(out / LAST_RUN, {"key": still, "products": products(out)})
        else:
            for title in TITLES.values():
                say(f"{title}: unchanged")
        page = report.render_report(out)
        if options.pdf:
            say(f"PDF: {report.print_pdf(page)}")
        what = f"{len(NOTEBOOKS)} notebooks executed" if is_due else "nothing had changed"
        say(f"{what}, {format_seconds(time.perf_counter() - begun)} in all. Report: {page}")
    return page


def execute_notebooks(
    options: Namespace, source: Source, external: Source | None, out: Path, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Execute all notebooks and return the seconds and the peak memory (MiB) of each.

    Input that cannot be used is refused before.
    """
    begun = time.perf_counter()
    data = str(source.path or source.kind)
    cells = open_study(data, options.profile, out, options.classes, options.crop).cells
    for note in cells.notes:
        say(note)
    if options.pdf:
        report.find_chromium()
    others = evaluation.load_external(str(external.path)).warnings if external else ()
    for warning in (*cells.warnings, *others):
        print(f"warning: {warning}", file=sys.stderr)
    parameters = {"DATA": data, "PROFILE": options.profile, "OUT": str(out)}
    parameters |= {"CLASSES": options.classes, "CROP": options.crop}
    notebooks = {}
    with ExitStack() as stack:
        if scheduler := stack.enter_context(networks.scheduler_at(options.dask)):
            os.environ[SCHEDULER] = scheduler
            stack.callback(os.environ.pop, SCHEDULER)
        for number, (name, title) in enumerate(TITLES.items()):
            elapsed, left = time.perf_counter() - begun, sum(PROFILES[options.profile].typical_seconds[number:])
            say(f"{title}: running, {format_seconds(elapsed)} elapsed, about {format_seconds(left)} left")
            elsewhere = {"EXTERNAL": str(external.path)} if external and name[:2] in ("04", "06") else {}
            notebooks[name] = execution.execute_notebook(name, parameters | elsewhere, say)
            say(f"{title}: done in {format_seconds(notebooks[name]['seconds'])}")
    return notebooks


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 if a notebook failed, or 2 if input or options cannot be used."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(parse(arguments))
    except BrokenPipeError:
        raise
    except (NotebookFailedError, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped. The next run continues from here.", file=sys.stderr)
        for process in multiprocessing.active_children():
            process.kill()  # else Python would wait for the notebook
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
