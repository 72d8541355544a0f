"""./run_all.sh from end to end on synthetic cells: what it leaves, what it says, what a second run does."""

import contextlib
import errno
import json
import os
import shlex
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
from data_files import BROKEN

from helpers import NOTEBOOKS, cache_keys, execution, run
from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.evaluation.scores import accuracy_interval
from helpers.files import ROOT


@pytest.fixture(scope="module")
def results(smoke_run) -> dict:
    return json.loads((smoke_run.out / "results.json").read_text())


def test_every_promised_file_is_there(smoke_run, results) -> None:
    for name in NOTEBOOKS:
        notebook = nbformat.read(smoke_run.out / "notebooks" / f"{name}.ipynb", as_version=4)
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert (smoke_run.out / "report.html").stat().st_size > 100_000
    for model in results["models"].values():
        assert (smoke_run.out / model["file"]).is_file()
    left_over = [path.name for path in (smoke_run.out / "notebooks").iterdir() if path.name.startswith(".")]
    assert left_over == []


def test_results_have_the_promised_form(results) -> None:
    assert {"provenance", "data", "models", "claims", "summary"} <= set(results)
    assert {"forest", "handcrafted_best", "lenet_classic", "lenet_custom", "alexnet"} <= set(results["models"])
    for model in results["models"].values():
        low, high = model["test_accuracy_ci95"]
        assert 0 <= low <= model["test_accuracy"] <= high <= 1
        assert {"val_accuracy", "macro_f1", "seeds", "params", "train_seconds", "n"} <= set(model)
    assert {"answer", "recommendation", "tally", "findings"} == set(results["summary"])
    assert "{{" not in str(results["summary"]["findings"])
    assert sum(results["data"]["classes"].values()) == results["data"]["images"]
    assert [claim["id"] for claim in results["claims"]] == [f"C{number:02d}" for number in range(1, 17)]
    assert {"id", "claim", "reported", "measured", "verdict", "evidence"} <= set(results["claims"][0])


def test_results_say_where_they_come_from(results, smoke_run) -> None:
    provenance = results["provenance"]
    assert provenance["command"].startswith("./run_all.sh --data synthetic --profile smoke")
    assert provenance["data_sha256"] == results["data"]["sha256"]
    assert set(provenance["notebooks"]) == set(NOTEBOOKS)
    assert all(notebook["peak_memory_mib"] > 50 for notebook in provenance["notebooks"].values())


def test_synthetic_cells_are_called_synthetic_everywhere(results, smoke_run) -> None:
    assert results["data"]["is_synthetic"] is True
    assert "synthetic" in results["data"]["source"]
    for name in NOTEBOOKS:
        assert "Synthetic cells" in (smoke_run.out / "notebooks" / f"{name}.ipynb").read_text()
    undecided = {claim["id"] for claim in results["claims"] if claim["verdict"].startswith("cannot be decided")}
    assert {"C08", "C09", "C10", "C11", "C12", "C13"} <= undecided


def test_saved_predictions_give_the_accuracies_that_are_reported(results, smoke_run) -> None:
    with np.load(smoke_run.out / "test_predictions.npz", allow_pickle=False) as archive:
        saved = dict(archive)
    split = pd.read_csv(smoke_run.out / "split.csv")
    np.testing.assert_array_equal(np.sort(saved["index"]), split.index[split["split"] == "test"])
    np.testing.assert_array_equal(saved["labels"], split["label"][saved["index"]])
    for name, model in results["models"].items():
        correct = int(np.sum(saved[f"{name}_seed0"].argmax(axis=1) == saved["labels"]))
        assert model["test_accuracy"] == correct / len(saved["labels"])
        assert model["test_accuracy_ci95"] == pytest.approx(accuracy_interval(correct, len(saved["labels"])))


def test_the_split_has_a_row_per_image_and_no_image_stands_in_two_parts(smoke_run, results) -> None:
    split = pd.read_csv(smoke_run.out / "split.csv")
    assert list(split.columns) == ["index", "pixel_sha256", "label", "split"]
    assert len(split) == results["data"]["images"]
    assert split["split"].value_counts().to_dict() == {k: n for k, n in results["data"]["split"].items() if n}
    assert split.query("split != 'dropped'")["pixel_sha256"].is_unique


def test_the_user_sees_which_notebook_runs_and_how_long_is_left(smoke_run) -> None:
    running = [line for line in smoke_run.lines if "running" in line]
    assert [line.split(":")[0] for line in running] == [
        f"[{number}/6] {name}" for number, name in enumerate(NOTEBOOKS, start=1)
    ]
    assert all("elapsed" in line and "left" in line for line in running)


def test_a_pipe_gets_each_line_when_it_is_said() -> None:
    code = "import os; from helpers import run; run.run = lambda _: (print('a line'), os._exit(0)); run.main([])"
    buffering = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=buffering)
    assert said.stdout == "a line\n"


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_stopped_says_so_in_one_line(number) -> None:
    stop = f"lambda _: os.kill(os.getpid(), signal.{number}) or signal.pause()"
    # what a shell starts in the background ignores SIGINT
    code = "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code += f"; from helpers import run; run.run = {stop}; sys.exit(run.main([]))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert ended.stderr == "stopped. The next run continues from here.\n"
    assert ended.returncode == 130


def test_a_second_run_executes_nothing_and_leaves_every_byte(smoke_run) -> None:
    paths = [path for path in smoke_run.out.rglob("*") if path.is_file() and path.name != ".lock"]
    before = {path: path.read_bytes() for path in paths}
    again = subprocess.run(
        [sys.executable, "-m", "helpers.run", *smoke_run.arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert again.stdout.count("unchanged") == 6
    assert "nothing had changed" in again.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_what_was_deleted_or_changed_by_hand_is_made_again(smoke_run, monkeypatch) -> None:
    def due() -> list[str]:
        asked: list[str] = []

        def stop(name: str, *_: object) -> None:
            asked.append(name)
            raise run.NotebookFailedError(name)

        monkeypatch.setattr(execution, "execute_notebook", stop)
        with contextlib.suppress(run.NotebookFailedError):
            run.run(run.parse(smoke_run.arguments), say=lambda _: None)
        return asked

    assert due() == []
    for name in ("split.csv", "models/forest.skops", "notebooks/04_lenet_variants.ipynb"):
        path = smoke_run.out / name
        before = path.read_bytes()
        path.write_bytes(before[:-1])
        assert due() == ["01_eda"]
        path.unlink()
        assert due() == ["01_eda"]
        path.write_bytes(before)
    (smoke_run.out / "run.json").rename(smoke_run.out / "aside.json")
    assert due() == ["01_eda"]
    (smoke_run.out / "run.json").write_text("no JSON")
    assert due() == ["01_eda"]
    (smoke_run.out / "aside.json").replace(smoke_run.out / "run.json")
    for name in ("predictions.csv", "mine.keras", "mine.onnx"):
        ours = smoke_run.out / "models" / name
        ours.write_text("of the user\n")
        assert due() == []
        ours.unlink()


def test_results_of_data_that_changed_meanwhile_are_due_again(tmp_path, monkeypatch) -> None:
    def change_the_data(*_: object) -> dict:
        keys.append("another")
        return {"seconds": 1.0, "peak_memory_mib": 1}

    keys = ["one"]
    monkeypatch.setattr(run, "run_key", lambda *_: keys[-1])
    monkeypatch.setattr(execution, "execute_notebook", change_the_data)
    for name in ("add_run_details", "render_report"):
        monkeypatch.setattr(run.report, name, lambda *_: None)
    arguments = ["--data", "synthetic", "--profile", "smoke", "--out", str(tmp_path)]
    for key in (None, "another"):
        run.run(run.parse(arguments), say=lambda _: None)
        assert run.last_run(tmp_path)["key"] == key


def test_the_command_leads_to_the_same_files_from_the_checkout(tmp_path, monkeypatch) -> None:
    asked = ["--data", "cells.npz", "--external", "abroad.npz", "--out", "here"]
    monkeypatch.chdir(ROOT)
    assert run.command(run.parse(asked)).endswith("--out here")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(run.command(run.parse(asked)))
    assert {str(tmp_path / name) for name in ("cells.npz", "abroad.npz", "here")} <= set(words)


def test_a_file_by_another_name_is_another_run(smoke_run, tmp_path) -> None:
    options, keys = run.parse(smoke_run.arguments), []
    for name in ("bloodmnist_64.npz", "copy.npz"):
        np.savez(tmp_path / name, images=np.zeros((2, 48, 48, 3), np.uint8), labels=[0, 1])
        keys.append(run.run_key(options, run.resolve_source(tmp_path / name)))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("file", "is_in_the_key"),
    [
        ("assessment.py", True),
        ("style.py", True),
        ("report.mplstyle", True),
        ("model_card.md.j2", True),
        ("summary.md.j2", True),
        ("page.py", False),
        ("page.html.j2", False),
        ("run.py", False),
    ],
)
def test_a_changed_file_executes_the_notebooks_again_unless_none_uses_it(
    file, is_in_the_key, smoke_run, monkeypatch
) -> None:
    options, source = run.parse(smoke_run.arguments), run.resolve_source("synthetic")
    before, read = run.run_key(options, source), cache_keys.file_sha256
    monkeypatch.setattr(cache_keys, "file_sha256", lambda path: "edited" if path.name == file else read(path))
    assert (run.run_key(options, source) != before) == is_in_the_key


def test_other_packages_execute_the_notebooks_again(smoke_run, monkeypatch) -> None:
    options, source = run.parse(smoke_run.arguments), run.resolve_source("synthetic")
    before = run.run_key(options, source)
    monkeypatch.setattr(cache_keys, "versions", lambda *packages: dict.fromkeys(packages, "another"))
    assert run.run_key(options, source) != before


def test_an_edited_cell_executes_the_notebooks_again(smoke_run, tmp_path, monkeypatch) -> None:
    options, source = run.parse(smoke_run.arguments), run.resolve_source("synthetic")
    before = run.run_key(options, source)
    shutil.copytree(execution.NOTEBOOK_FOLDER, tmp_path / "notebooks")
    path = tmp_path / "notebooks" / "04_lenet_variants.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[4].source += " "
    monkeypatch.setattr(execution, "NOTEBOOK_FOLDER", tmp_path / "notebooks")
    assert run.run_key(options, source) == before
    nbformat.write(notebook, path)
    assert run.run_key(options, source) != before


def test_another_profile_frame_or_order_of_classes_is_another_run(smoke_run) -> None:
    source = run.resolve_source("synthetic")
    more = ([], ["--profile", "quick"], ["--crop", "cell"], ["--classes", "platelet"])
    options = [run.parse([*smoke_run.arguments, *words]) for words in more]
    assert len({run.run_key(each, source) for each in options}) == len(more)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere.npz"], "nowhere.npz"),
        (["--profile", "huge"], "--profile"),
        (["--seeds", "3"], "--seeds"),
        (["--data", "synthetic", "--out", "/proc/nowhere"], "/proc/nowhere"),
        (["--data", "synthetic", "--external", "abroad.npz"], "abroad.npz"),
        (["--external", " "], "--external"),
        (["--data", os.fsdecode(b"caf\xe9.npz")], "not UTF-8"),
        (["--stain\nwright"], "--stain"),
    ],
)
def test_bad_options_end_in_one_line_and_exit_code_2(arguments, message, capsys) -> None:
    assert run.main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_the_shell_command_passes_on_one_line_and_exit_code_2(tmp_path) -> None:
    ended = subprocess.run(
        [ROOT / "run_all.sh", "--data", "no such file.npz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "no such file.npz" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("defect", BROKEN)
def test_no_broken_file_gets_as_far_as_a_notebook(defect, tmp_path, capsys) -> None:
    path = BROKEN[defect][0](tmp_path / "brought.npz")
    assert run.main(["--data", str(path), "--profile", "smoke", "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert str(path) in captured.err
    assert "running" not in captured.out


def test_an_external_file_counts_by_its_bytes(smoke_run, tmp_path) -> None:
    source, path = run.resolve_source("synthetic"), tmp_path / "abroad.npz"
    options = run.parse([*smoke_run.arguments, "--external", str(path)])
    assert f"--external {path}" in run.command(options)
    seen = [run.run_key(options, source)]
    for grey in (10, 20):
        np.savez(path, images=np.full((2, 48, 48, 3), grey, np.uint8), labels=[0, 1])
        seen.append(run.run_key(options, source, run.resolve_source(path)))
    assert len(set(seen)) == 3


def test_an_external_file_that_cannot_be_scored_ends_before_the_first_notebook(tmp_path, capsys) -> None:
    path = tmp_path / "no labels.npz"
    np.savez(path, images=draw_cells(8).images)
    out = str(tmp_path / "out")
    assert run.main(["--data", "synthetic", "--profile", "smoke", "--out", out, "--external", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert f"{path}: no labels" in captured.err
    assert "running" not in captured.out


def test_two_runs_never_share_a_folder_unless_its_file_system_has_no_locks(tmp_path, monkeypatch) -> None:
    with (
        run.locked_folder(tmp_path),
        pytest.raises(InputError, match="another run"),
        run.locked_folder(tmp_path),
    ):
        pass

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run.fcntl, "flock", no_locks)
    with run.locked_folder(tmp_path) as out:
        assert (out / "notebooks").is_dir()


def test_bad_data_leaves_earlier_results_as_they_are(smoke_run, tmp_path, capsys) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 nothing more")
    before = (smoke_run.out / "results.json").read_bytes()
    assert run.main(["--data", str(broken), "--profile", "smoke", "--out", str(smoke_run.out)]) == 2
    assert str(broken) in capsys.readouterr().err
    assert (smoke_run.out / "results.json").read_bytes() == before


def test_a_failing_notebook_stops_the_run_with_its_name_cell_and_error(tmp_path, monkeypatch, capsys) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("raise RuntimeError('no stain')")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    (tmp_path / "notebooks").mkdir()
    for name in NOTEBOOKS:
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(execution, "NOTEBOOK_FOLDER", tmp_path / "notebooks")
    out = tmp_path / "out {with} braces"
    assert run.main(["--data", "synthetic", "--profile", "smoke", "--out", str(out)]) == 1
    message = capsys.readouterr().err
    assert "01_eda" in message
    assert "cell [3]" in message  # as the executed notebook numbers it, the parameters included
    assert "RuntimeError: no stain" in message
    assert (out / "notebooks" / "01_eda.failed.ipynb").is_file()
    assert not (out / "notebooks" / "01_eda.ipynb").exists()
