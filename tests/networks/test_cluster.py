"""A Dask cluster of two worker processes gives the digits of a local run, also when one of them is killed."""

import os
import signal
import socket
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace

import numpy as np
import pytest
from distributed import Client, LocalCluster
from test_training import make_part

from helpers import run
from helpers.data.cells import Cells
from helpers.data.split import split_cells
from helpers.errors import InputError
from helpers.features import classical, handcrafted
from helpers.features.classical import fit_forest
from helpers.features.handcrafted import extract_features
from helpers.networks import cluster, training
from helpers.recipes import PROFILES
from helpers.study import Study


@dataclass(frozen=True)
class Cluster:
    """A scheduler and two workers, each with its nanny in a process group of its own."""

    client: Client
    workers: dict[str, int]

    @property
    def address(self) -> str:
        return self.client.scheduler.address


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machines")
    common = [
        "--scheduler-file",
        "scheduler.json",
        "--host",
        "127.0.0.1",
        "--dashboard-address",
        "127.0.0.1:0",
    ]
    worker = ["worker", *common, "--nthreads", "1", "--local-directory", "."]
    started = []
    try:
        with (folder / "log").open("w") as log:
            for command in (["scheduler", *common, "--port", "0"], worker, worker):
                command = [sys.executable, "-m", "dask", *command]
                started.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True))
        file = folder / "scheduler.json"
        with Client(scheduler_file=file, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2)
            yield Cluster(client, client.run(os.getpgrp))
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def profile(monkeypatch) -> str:
    monkeypatch.setitem(PROFILES, "two seeds", replace(PROFILES["smoke"], trainings={"lenet_classic": (2, 2)}))
    return "two seeds"


@pytest.fixture(scope="module")
def cells() -> Cells:
    part = make_part(96, 0)
    return Cells(part.images, part.labels, "two kinds of noise")


def unused_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_joblib_on_the_cluster_gives_the_features_and_the_forest_of_this_machine(machines, cells, monkeypatch) -> None:
    monkeypatch.setattr(handcrafted, "CHUNK", 32)
    monkeypatch.setattr(classical, "FOREST_GRID", {"max_features": ["sqrt"]})
    here = extract_features(cells.images, jobs=1)
    forest = fit_forest(cells.images, cells.labels, seed=0, jobs=1)
    there = cluster.with_joblib_on(machines.address, lambda: extract_features(cells.images))
    assert there.equals(here)
    forest_there = cluster.with_joblib_on(machines.address, lambda: fit_forest(cells.images, cells.labels, seed=0))
    assert forest_there.chosen == forest.chosen
    for one, other in zip(forest.estimator.estimators_, forest_there.estimator.estimators_, strict=True):
        assert one.tree_.__getstate__()["nodes"].tobytes() == other.tree_.__getstate__()["nodes"].tobytes()


def test_a_worker_with_another_version_is_refused_by_name(machines, monkeypatch) -> None:
    monkeypatch.setitem(cluster.FACTS, "numpy", "0.1")
    with pytest.raises(InputError) as refused, cluster.scheduler_at(machines.address):
        pass
    worker = next(iter(machines.workers))
    assert str(refused.value) == f"--dask: worker {worker}: numpy {np.__version__}, expected 0.1"


def test_a_scheduler_without_workers_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_WITHIN", 0.5)
    with (
        LocalCluster(n_workers=0, protocol="tcp", dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(InputError, match="0/1 workers"),
        cluster.scheduler_at(empty.scheduler_address),
    ):
        pass


@pytest.mark.parametrize(
    "address", [unused_address(), "nonsense", "nonsense://", "nonsense://x:1", "tcp://127.0.0.1:99999"]
)
def test_an_address_without_scheduler_ends_in_one_line_before_any_notebook(
    address, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(cluster, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr("helpers.execution.execute_notebook", None)
    arguments = ["--data", "synthetic", "--profile", "smoke", "--out", str(tmp_path), "--dask", address]
    assert run.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: --dask {address}: ")
    assert error.count("\n") == 1
    assert run.SCHEDULER not in os.environ


def test_the_cluster_changes_no_key() -> None:
    source = run.resolve_source("synthetic")
    usual, spread = (run.parse(["--data", "synthetic", *more]) for more in ([], ["--dask", "tcp://x:1"]))
    assert run.run_key(usual, source) == run.run_key(spread, source)
    assert run.command(usual) == run.command(spread)


@pytest.mark.parametrize(("cores", "gibibytes"), [(3, 64), (64, 5)])
def test_a_machine_for_one_training_run_at_a_time_gets_no_cluster(cores, gibibytes, monkeypatch) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", cores)
    monkeypatch.setattr(cluster, "MEMORY_LIMIT", gibibytes * 2**30)
    with cluster.scheduler_at("local") as address:
        assert address is None


def test_a_larger_machine_gets_a_worker_for_two_cores_which_ends_with_its_block(monkeypatch) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 5)
    monkeypatch.setattr(cluster, "MEMORY_LIMIT", 64 * 2**30)
    with cluster.scheduler_at("local") as address, cluster.connected(address) as client:
        processes = client.run(os.getpid).values()
        assert len({os.getpid(), *processes}) == 3
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_study_is_finished_with_the_same_digits_though_a_worker_is_killed(
    machines, cells, profile, tmp_path, monkeypatch
) -> None:
    lines = []

    def kill_the_worker_that_still_trains(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            [first] = (tmp_path / "spread" / "runs").iterdir()
            [done] = machines.client.who_has()[first.name]
            [other] = set(machines.workers) - {done}
            os.killpg(machines.workers[other], signal.SIGKILL)

    split = split_cells(cells)
    monkeypatch.setattr(cluster, "print", kill_the_worker_that_still_trains, raising=False)
    with monkeypatch.context() as nothing_is_trained_here:
        nothing_is_trained_here.setattr(training, "fit", None)
        spread = Study(cells, split, profile, tmp_path / "spread", machines.address)
        found = spread.load_or_train("lenet_classic")["lenet_classic"]
        assert [run.folder for run in spread.load_or_train("lenet_classic")["lenet_classic"]] == [
            run.folder for run in found
        ]
    assert lines[-1] in [f"lenet_classic-seed{seed}: trained, 2 of 2" for seed in (0, 1)]
    assert len(machines.client.scheduler_info()["workers"]) == 1
    expected = Study(cells, split, profile, tmp_path / "here").load_or_train("lenet_classic")["lenet_classic"]
    for one, other in zip(expected, found, strict=True):
        assert one.folder.name == other.folder.name
        assert sorted(path.name for path in one.folder.iterdir()) == sorted(
            path.name for path in other.folder.iterdir()
        )
        assert one.validation_probabilities().tobytes() == other.validation_probabilities().tobytes()
        weights = [zipfile.ZipFile(run.model_path).read("model.weights.h5") for run in (one, other)]
        assert weights[0] == weights[1]
