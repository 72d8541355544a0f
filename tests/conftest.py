"""The six notebooks, executed once per test session through the code path of ./run_all.sh."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import run


@dataclass(frozen=True)
class SmokeRun:
    """A finished run of the smoke profile: its folder, its options, and what it told the user."""

    out: Path
    arguments: list[str]
    lines: list[str]


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> SmokeRun:
    out = tmp_path_factory.mktemp("smoke run with spaces")
    arguments = ["--data", "synthetic", "--profile", "smoke", "--out", str(out)]
    lines: list[str] = []
    run.run(run.parse(arguments), say=lines.append)
    return SmokeRun(out, arguments, lines)
