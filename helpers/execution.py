"""Execution of one notebook by papermill, in its own process and kernel, and the progress that the user sees."""

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from helpers.errors import InputError
from helpers.files import ROOT, written_atomically
from helpers.networks import ENDS_WITH_PARENT, RECORD
from helpers.notation import MODEL_NAMES, percent
from helpers.recipes import PROFILES, THREADS

NOTEBOOK_FOLDER = ROOT / "notebooks"


class NotebookFailedError(RuntimeError):
    """A notebook stopped at an error of its own, was killed or ran out of time."""


def format_seconds(seconds: float) -> str:
    """Return a duration in words, as in "4 s" and "2 min"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def follow(ending: Future[Any], runs: Path, say: Callable[[str], None]) -> None:
    """Report each training run that appears in ``runs`` until the notebook has ended."""
    pattern = f"[!.]*/{RECORD}"  # a folder with a dot is still being written
    known, is_over = set(runs.glob(pattern)), False
    while not is_over:
        is_over = bool(wait([ending], timeout=1).done)
        for path in sorted(set(runs.glob(pattern)) - known):
            known.add(path)
            record = json.loads(path.read_text(encoding="utf-8"))
            took, accuracy = format_seconds(record["train_seconds"]), percent(record["val_accuracy"])
            name_and_seed = f"{MODEL_NAMES.get(record['name'], record['name'])} (seed {record['seed']})"
            say(f"      {name_and_seed}: trained in {took}, validation accuracy {accuracy}")


def execute_notebook(name: str, parameters: dict[str, str], say: Callable[[str], None]) -> dict[str, Any]:
    """Execute a notebook, keep it if it succeeds, and return its seconds and peak memory in MiB.

    NotebookFailedError if it fails; a ``.failed.ipynb`` and a log then remain. InputError if it finds its input
    unusable.
    """
    out, time_limit = Path(parameters["OUT"]), PROFILES[parameters["PROFILE"]].cell_time_limit
    notebook, executed = NOTEBOOK_FOLDER / f"{name}.ipynb", out / "notebooks" / f"{name}.ipynb"
    failed, log = executed.with_suffix(".failed.ipynb"), executed.with_suffix(".log")
    begun = time.perf_counter()
    process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), **ENDS_WITH_PARENT)
    with written_atomically(executed) as running:
        try:
            ending = process.submit(_execute, notebook, parameters, time_limit, running, log)
            follow(ending, out / "runs", say)
            memory = ending.result()
        except BrokenProcessPool:
            raise NotebookFailedError(f"{name}: its process was killed, perhaps for lack of memory") from None
        except NotebookFailedError as error:
            where = f" (open {running.replace(failed)})" if running.exists() else ""
            raise NotebookFailedError(f"{name}, {error}{where}") from None
        finally:
            process.shutdown(wait=False)
    for outdated in (failed, log):
        outdated.unlink(missing_ok=True)
    return {"seconds": round(time.perf_counter() - begun, 1), "peak_memory_mib": memory}


def _execute(notebook: Path, parameters: dict[str, Any], time_limit: int, executed: Path, log: Path) -> int:
    """Execute one notebook in a process that does nothing else; return the peak memory of its kernel in MiB."""
    import papermill

    # By default glibc keeps freed memory in eight arenas per core and takes what TensorFlow asks for in every step from
    # the system in small pages. These cost a fifth to a third of the training time, and huge pages less.
    os.environ.setdefault("MALLOC_ARENA_MAX", str(THREADS))
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    # A kernel of another Python found on Jupyter's path would not have our libraries.
    os.environ.pop("JUPYTER_PATH", None)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    # TensorFlow and the kernel write notices straight to the terminal, past Jupyter. They go to a log.
    with log.open("w") as stream:
        os.dup2(stream.fileno(), sys.stderr.fileno())
    # papermill passes both paths through `str.format`
    paths = [str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, executed)]
    options = {"kernel_name": "python3", "execution_timeout": time_limit, "progress_bar": False}
    try:
        papermill.execute_notebook(*paths, parameters, cwd=notebook.parent, **options)
    except papermill.PapermillExecutionError as error:
        if error.ename == "InputError":
            raise InputError(error.evalue) from None
        raise NotebookFailedError(f"cell [{error.exec_count}]: {error.ename}: {error.evalue}") from None
    except OSError:  # the disk is full, and what is there of the notebook may be half of it
        raise
    except Exception as error:  # the kernel died or ran out of time, so the run stops here
        raise NotebookFailedError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}") from None
    unit = 1024**2 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit
