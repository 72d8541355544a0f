"""Runs of the smoke profile for `tools.reliability`: started, ended, and compared byte for byte."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import nbformat
import numpy as np

from helpers.files import ROOT
from tools.compare import differences, is_circumstance, read_results

TABLES = ("split.csv", "dropped.csv", "shared_errors.csv", "test_predictions.npz")
"""What a run leaves beside results.json that must be the same, byte for byte."""


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a shell starts in the background ignores it


class Smoke:
    """A run of the smoke profile that has been started in a session of its own, with all processes that it starts."""

    def __init__(
        self,
        out: Path,
        *options: str,
        prefix: tuple[str, ...] = (),
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
    ) -> None:
        self.out, self.mark = out, uuid4().hex
        command = [*prefix, sys.executable, "-P", "-m", "helpers.run", "--profile", "smoke", "--out", str(out)]
        settings = os.environ | {"PYTHONPATH": str(ROOT), "RELIABILITY": self.mark} | (env or {})
        self.log = out.with_name(f"{self.mark}.log")
        with self.log.open("w") as said:
            self.process = subprocess.Popen(
                [*command, *(options or ("--data", "synthetic"))],
                cwd=cwd, env=settings, start_new_session=True, stdout=said, stderr=said,
                preexec_fn=_heed_interrupts,
            )  # fmt: skip

    def processes(self) -> list[int]:
        """Return the ids of its processes that still exist, by a mark in their environment."""
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.mark.encode() in environment.read_bytes():
                    found.append(int(environment.parent.name))
            except OSError:
                continue  # it has ended, or is another user's
        return found

    def end_by(self, number: signal.Signals) -> float:
        """Send a signal to its process group; return the seconds until none of its processes is left, 60 at most."""
        begun = time.monotonic()
        os.killpg(self.process.pid, number)
        while self.processes() and time.monotonic() - begun < 60:
            self.process.poll()
            time.sleep(0.05)
        return time.monotonic() - begun

    def text(self) -> str:
        """Return what it has said until now."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def finish(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and the last line that it said."""
        code = self.process.wait()
        return code, (self.text().strip().splitlines() or [""])[-1]


def counted(found: list[str]) -> str:
    """Return how much was found and the first five of it, or "none"."""
    return f"{len(found)} ({', '.join(found[:5])})" if found else "none"


def unequal(out: Path, undisturbed: Path) -> list[str]:
    """Return what differs between two finished runs: tables by name, results by path; times do not count."""
    tables = [name for name in TABLES if (out / name).read_bytes() != (undisturbed / name).read_bytes()]
    results = differences(read_results(out / "results.json"), read_results(undisturbed / "results.json"))
    return tables + [path for path, *_ in results if not is_circumstance(path)]


def unreadable(out: Path) -> tuple[int, list[str]]:
    """Return how many files stand under their final names in ``out``, and which of them do not open."""
    files = [path for path in out.rglob("*") if path.is_file() and ".unfinished-" not in str(path)]
    damaged = []
    for path in files:
        try:
            _open(path)
        except FileNotFoundError:
            continue  # deleted meanwhile
        except Exception as error:  # each format fails in its own way
            damaged.append(f"{path.relative_to(out)} ({type(error).__name__}: {error})")
    return len(files), damaged


def _open(path: Path) -> None:
    if path.suffix in (".keras", ".skops", ".npz"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
    elif path.suffix == ".npy":
        np.load(path)
    elif path.suffix == ".ipynb":
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
    elif path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".onnx":
        import onnx

        onnx.checker.check_model(path)
    elif path.suffix == ".html":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    elif path.suffix in (".csv", ".md"):
        assert path.read_bytes().endswith(b"\n")
