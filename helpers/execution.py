"""One notebook at a time: executed by papermill in a process and a kernel of its own, put in place when whole."""

import multiprocessing
import os
import resource
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from helpers import THREADS
from helpers.cells import InputError
from helpers.progress import Progress
from helpers.storage import ROOT, unformatted

NOTEBOOK_FOLDER = ROOT / "notebooks"

CELL_TIME_LIMIT = {"smoke": 600, "quick": 3_600, "full": 24 * 3_600}
"""Seconds after which a single cell is stopped."""


class NotebookFailedError(RuntimeError):
    """A notebook stopped at an error of its own, was killed or ran out of time."""


def execute(notebook: Path, parameters: dict[str, Any], time_limit: int, executed: Path) -> int:
    """Execute one notebook in a kernel of its own; return the kernel's peak memory in MiB.

    Runs in a process of its own too, so that the peak is that of this notebook's kernel alone.
    """
    import papermill

    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    # By default glibc keeps freed memory in eight arenas per core, and takes what TensorFlow asks for in every step
    # from the system in small pages, which cost a fifth to a third of the time of a training; huge ones cost less.
    os.environ.setdefault("MALLOC_ARENA_MAX", str(THREADS))
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    # TensorFlow and the kernel write notices past Jupyter, straight to the terminal: they go to a log.
    with executed.with_suffix(".log").open("w") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    try:
        papermill.execute_notebook(
            unformatted(notebook),
            unformatted(executed),
            parameters=parameters,
            cwd=notebook.parent,
            kernel_name="python3",
            execution_timeout=time_limit,
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == "InputError":
            raise InputError(error.evalue) from None
        raise NotebookFailedError(f"cell [{error.exec_count}]: {error.ename}: {error.evalue}") from None
    except Exception as error:  # the kernel died or ran out of time: whatever it was, the run stops here
        raise NotebookFailedError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}") from None
    unit = 1024**2 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit


def _end_with_the_runner() -> None:
    """End this process, and so its kernel, when the runner is killed: nobody would take the result."""
    runner = multiprocessing.parent_process()
    if runner is not None:
        runner.join()
        os._exit(1)


def execute_whole(
    name: str, parameters: dict[str, Any], time_limit: int, executed: Path, progress: Progress
) -> dict[str, Any]:
    """Execute a notebook beside its place, put it there once it has ended well; return its seconds and memory."""
    running = executed.with_name(f".{name}.running.ipynb")
    failed = executed.with_name(f"{name}.failed.ipynb")
    begun = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        ending = process.submit(execute, NOTEBOOK_FOLDER / f"{name}.ipynb", parameters, time_limit, running)
        try:
            progress.follow(ending, name, running)
            memory = ending.result()
        except BrokenProcessPool:
            raise NotebookFailedError(f"{name}: its process was killed, perhaps for want of memory") from None
        except NotebookFailedError as error:
            for suffix in (".ipynb", ".log"):
                if running.with_suffix(suffix).exists():
                    running.with_suffix(suffix).replace(failed.with_suffix(suffix))
            where = f" (open {failed})" if failed.exists() else ""
            raise NotebookFailedError(f"{name}, {error}{where}") from None
        except InputError:
            running.unlink(missing_ok=True)
            raise
        except KeyboardInterrupt:
            process.shutdown(wait=False, cancel_futures=True)
            raise
    running.replace(executed)
    for finished in (running, failed):
        finished.unlink(missing_ok=True)
        finished.with_suffix(".log").unlink(missing_ok=True)
    return {"seconds": round(time.perf_counter() - begun, 1), "peak_memory_mib": memory}
