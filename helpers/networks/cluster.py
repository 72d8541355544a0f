"""The study's work spread over a Dask cluster, with the digits of a local run on processors of the same kind.

Dask's processes send each other pickles: whoever reaches the scheduler can run code on all its machines. Use one that
you trust, in a network of your own or behind TLS (``tls://`` and Dask's configuration). Files are never unpickled.
"""

import logging
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask
import joblib
from distributed import Client, LocalCluster, as_completed
from distributed.system import MEMORY_LIMIT
from distributed.utils import silence_logging_cmgr

from helpers.cache_keys import key_of, source_files, versions
from helpers.data import Part
from helpers.errors import InputError
from helpers.files import folder_written_atomically
from helpers.networks.runs import ENDS_WITH_PARENT, finished_run
from helpers.recipes import THREADS, Recipe

ANSWER_WITHIN = 5
"""Seconds in which a scheduler must answer and have a worker."""

MEMORY = 2 * 2**30  # bytes that a worker with its training run takes at most, and so does a notebook

FACTS = versions("data", "features", "networks") | {
    "distributed": version("distributed"),
    "source of helpers": key_of(source_files(".")),
}
"""What must be the same on every machine. Read when this process starts, as the source it has imported was."""


def _facts() -> dict[str, str]:
    return FACTS


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Yield a client; InputError where no scheduler answers, it has no worker, or a worker differs from here."""
    if not re.fullmatch(r"(tcp|tls|wss?)://\S+:\d{1,5}", address):  # which Dask refuses in many lines
        raise InputError(f"--dask {address}: no address, expected tcp://HOST:PORT of a scheduler")
    with ExitStack() as stack:
        try:
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL))  # the report is no log
            client = stack.enter_context(Client(address, timeout=ANSWER_WITHIN, set_as_default=False))
            client.wait_for_workers(1, ANSWER_WITHIN)
            facts = client.run(_facts)
        except Exception as error:  # each kind of address fails in its own way
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(
                f"--dask {address}: {reason}, expected tcp://HOST:PORT of a scheduler with workers of this checkout"
            ) from None
        for worker, found in facts.items():
            for name, here in FACTS.items() - found.items():
                raise InputError(f"--dask: worker {worker}: {name} {found.get(name)}, expected {here}")
        yield client


@contextmanager
def scheduler_at(address: str) -> Iterator[str | None]:
    """Yield ``address`` after a look at its workers.

    For "local", yield that of a cluster on this machine, or None where its cores or its memory allow one run at a time.
    """
    if address != "local":
        with connected(address):
            yield address
    elif (count := min(dask.system.CPU_COUNT // THREADS, MEMORY_LIMIT // MEMORY - 1)) < 2:
        yield None
    else:
        options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0"}
        cluster = LocalCluster(n_workers=count, silence_logs=logging.CRITICAL, **options)
        try:
            yield cluster.scheduler_address
        finally:
            with suppress(TimeoutError):  # a busy machine ends its processes late
                cluster.close()


def with_joblib_on(address: str, work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns, with its joblib on the cluster."""
    with connected(address) as client, joblib.parallel_config("dask", client=client):
        return work()


def train_on(address: str, jobs: list[tuple[Recipe, int]], train: Part, validation: Part, runs: Path) -> None:
    """Train on the cluster those of ``jobs`` (recipe and seed) that ``runs`` lacks; write each as soon as it ends.

    A training run whose worker is killed starts again on another one.
    """
    from helpers.networks.training import run_name

    names = {run_name(*job, train, validation): job for job in jobs}
    missing = {name: job for name, job in names.items() if not finished_run(runs / name)}
    if not missing:
        return
    quiet = {"distributed.admin.large-graph-warning-threshold": "1 TB"}
    with connected(address) as client, dask.config.set(quiet):
        # Results of tasks, because what is scattered is lost with its worker; copies everywhere, so that none is idle.
        parts = [client.submit(Part, p.images, p.labels, key=p.sha256) for p in (train, validation)]
        client.replicate(parts)
        longest_first = sorted(missing.items(), key=lambda item: -item[1][0].epochs)
        tasks = [client.submit(_train_there, name, *job, *parts, key=name, retries=2) for name, job in longest_first]
        finished = as_completed(tasks, client.loop)
        for count, task in enumerate(finished, start=1):
            with folder_written_atomically(runs / task.key) as temporary:
                for file, content in task.result().items():
                    (temporary / file).write_bytes(content)
            print(f"{task.key.rpartition('-')[0]}: trained, {count} of {len(missing)}")


def _train_there(*job: Any) -> dict[str, bytes]:
    # In a process of its own: Keras draws from Python's global generator, and so do the worker's other threads.
    # Dask's workers are daemons, which may not start processes.
    multiprocessing.current_process().daemon = False
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), **ENDS_WITH_PARENT) as process:
        return process.submit(_train_here, *job).result()


def _train_here(name: str, recipe: Recipe, seed: int, train: Part, validation: Part) -> dict[str, bytes]:
    from helpers.networks import training

    if name != training.run_name(recipe, seed, train, validation):
        found = f"{os.uname().nodename} has source, packages or precision {training.precision_of(recipe)}"
        raise InputError(f"--dask: {found} that give other digits, expected those of the study")
    with TemporaryDirectory() as runs:
        run = training.train(recipe, seed, train, validation, Path(runs))
        return {path.name: path.read_bytes() for path in run.folder.iterdir()}
