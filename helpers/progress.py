"""What the user sees while notebooks run: lines anywhere, and on a terminal a bar with the time left."""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.runs import RECORD, read_run

LOOK_EVERY = 1.0
"""Seconds between two looks at what the running notebook has done."""


def in_words(seconds: float) -> str:
    """Return a duration as people write it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Progress:
    """Follows a run by the files it writes; in a log or in CI there are lines only, and no bar.

    Parameters
    ----------
    expected : seconds each notebook that is due will probably take, in their order
    runs : the folder where finished trainings appear
    say : prints one line
    """

    def __init__(self, expected: dict[str, float], runs: Path, say: Callable[[str], None]) -> None:
        self.expected, self.runs, self.say = expected, runs, say
        self.started = time.perf_counter()
        self.known = self._finished()
        self.looked_at, self.cell = 0, ""
        self.total = max(1.0, sum(expected.values()))
        self.bar = tqdm(
            total=self.total, disable=None, file=sys.stderr, leave=False, dynamic_ncols=True,
            bar_format="{percentage:3.0f} % |{bar:16}| {desc}",
        )  # fmt: skip

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return time.perf_counter() - self.started

    def left(self, name: str, spent: float = 0.0) -> float:
        """Return the seconds probably left when ``name`` has run for ``spent`` seconds."""
        names = list(self.expected)
        later = sum(self.expected[other] for other in names[names.index(name) + 1 :])
        return later + max(0.0, self.expected[name] - spent)

    def follow(self, notebook: Future[Any], name: str, running: Path) -> None:
        """Report on ``name`` until its execution ends; ``running`` is the file it is executed into."""
        begun = time.perf_counter()
        while not wait([notebook], timeout=LOOK_EVERY).done:
            self._report_trainings()
            if not self.bar.disable:
                spent = time.perf_counter() - begun
                self.bar.n = self.total - self.left(name, spent)
                self.bar.set_description_str(
                    f"{name}{self._cell_running(running)}, about {in_words(self.left(name, spent))} left"
                )
        self._report_trainings()

    def _finished(self) -> set[Path]:
        # a folder with a dot is still being written
        return set(self.runs.glob(f"[!.]*/{RECORD}"))

    def _report_trainings(self) -> None:
        for path in sorted(self._finished() - self.known):
            self.known.add(path)
            record = read_run(path.parent).record
            self.say(
                f"      {record['name']}, seed {record['seed']}: trained in "
                f"{in_words(record['train_seconds'])}, validation accuracy {record['val_accuracy']:.4f}"
            )

    def close(self) -> None:
        """Remove the bar."""
        self.bar.close()

    def _cell_running(self, running: Path) -> str:
        """Return which cell of how many is running, as papermill notes it in the notebook while it executes."""
        try:
            changed = running.stat().st_mtime_ns
            if changed != self.looked_at:
                self.looked_at, self.cell = changed, ""
                cells = json.loads(running.read_text(encoding="utf-8"))["cells"]
                states = [cell["metadata"].get("papermill", {}).get("status") for cell in cells]
                self.cell = f", cell {states.index('running') + 1} of {len(cells)}"
        except (OSError, ValueError, KeyError):
            self.cell = ""
        return self.cell
