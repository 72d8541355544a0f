"""Files and folders are whole or absent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.cache_keys import key_of
from helpers.files import ROOT, folder_written_atomically, remove_leftovers, write_json, written_atomically


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "results.json"
    write_json(path, {"a": 1})
    with pytest.raises(KeyboardInterrupt), written_atomically(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_whose_writing_fails_does_not_appear(tmp_path) -> None:
    with pytest.raises(RuntimeError), folder_written_atomically(tmp_path / "run") as temporary:
        (temporary / "model").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_json_never_holds_a_number_that_is_none(tmp_path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "x.json", {"accuracy": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_keys_differ_when_a_part_does_and_not_with_the_order_of_a_dictionary() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


KILLED = """
import os, signal, sys
from pathlib import Path
from helpers.files import folder_written_atomically, written_atomically

folder = Path(sys.argv[1])
with folder_written_atomically(folder / "run"), written_atomically(folder / "results.json") as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_leftovers_of_killed_processes_go_after_a_day_and_what_anybody_else_has_there_stays(tmp_path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    leftovers = list(tmp_path.iterdir())
    assert len(leftovers) == 2
    for path in leftovers:
        os.utime(path, (0, 0))
    others = [tmp_path / name for name in ("run", ".2019.notes", ".99999999999999.tar", ".unfinished")]
    for path in others:
        path.mkdir()
    with folder_written_atomically(tmp_path / "other") as being_written:
        remove_leftovers(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([*others, being_written])


def test_of_two_that_write_the_same_folder_one_wins_and_none_fails(tmp_path, monkeypatch) -> None:
    def finish_first(_: Path, target: Path) -> None:
        target.mkdir()
        (target / "whole").touch()
        raise OSError("Directory not empty")

    with folder_written_atomically(tmp_path / "run") as temporary:
        (temporary / "mine").touch()
        monkeypatch.setattr(Path, "rename", finish_first)
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "whole"]
