"""What the user sees while notebooks run, and the kernel they run in."""

import errno
import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor, wait

import nbformat
import papermill
import pytest

from helpers import execution
from helpers.execution import follow, format_seconds
from helpers.files import write_json


def finished() -> Future:
    future: Future = Future()
    future.set_result(0)
    return future


def test_each_finished_training_run_is_one_line_and_earlier_ones_are_not_repeated(tmp_path, monkeypatch) -> None:
    record = {"name": "lenet_custom", "seed": 1, "train_seconds": 104.0, "val_accuracy": 0.9475}
    write_json(tmp_path / "earlier" / "run.json", record | {"seed": 0})

    def wait_while_it_trains(*arguments, **options):
        write_json(tmp_path / "new" / "run.json", record)
        return wait(*arguments, **options)

    monkeypatch.setattr(execution, "wait", wait_while_it_trains)
    lines: list[str] = []
    for _ in range(2):
        follow(finished(), tmp_path, lines.append)
    assert [line.strip() for line in lines] == ["custom LeNet (seed 1): trained in 2 min, validation accuracy 94.8 %"]


def test_durations_in_words() -> None:
    assert [format_seconds(seconds) for seconds in (4, 89, 91, 600)] == ["4 s", "89 s", "2 min", "10 min"]


def test_a_kernel_of_another_python_on_jupyters_path_is_not_used(tmp_path, monkeypatch) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("OUT = PROFILE = None", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("import sys, helpers\nprint(sys.executable)"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "01.ipynb")
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setattr(execution, "NOTEBOOK_FOLDER", tmp_path / "notebooks")
    out = tmp_path / "out"
    execution.execute_notebook("01", {"OUT": str(out), "PROFILE": "smoke"}, print)
    assert sys.executable in (out / "notebooks" / "01.ipynb").read_text()


def test_a_full_disk_leaves_no_half_notebook(tmp_path, monkeypatch) -> None:
    def fill_the_disk(notebook, running, *_: object, **__: object) -> None:
        (tmp_path / "notebooks" / running).write_text('{"cells": [')
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(papermill, "execute_notebook", fill_the_disk)
    monkeypatch.setattr(execution, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr("helpers.execution.os.dup2", lambda *_: None)
    with pytest.raises(OSError, match="No space left"):
        execution.execute_notebook("01_eda", {"OUT": str(tmp_path), "PROFILE": "smoke"}, print)
    assert [path.suffix for path in (tmp_path / "notebooks").iterdir()] == [".log"]
