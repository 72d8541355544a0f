"""What test files share: the six notebooks, executed once through the code path of ./run_all.sh, and the browser."""

import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import run
from helpers.errors import InputError
from helpers.report import page

NO_BROWSER = "no browser"


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


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of Chromium; without one, skip the tests that need it, or fail them under REQUIRE_BROWSER."""
    try:
        path = page.find_chromium()
        subprocess.run([path, "--version"], check=True, capture_output=True)
    except (InputError, subprocess.CalledProcessError):  # Ubuntu's chromium-browser may only name a snap
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"{NO_BROWSER}, but REQUIRE_BROWSER is set", pytrace=False)
        pytest.skip(NO_BROWSER)
    return path


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, object, object]:
    """Say how many tests were skipped without a browser: in one line, before pytest's last, instead of many."""
    skipped = terminalreporter.stats.pop("skipped", [])
    without_browser = [each for each in skipped if NO_BROWSER in str(each.longrepr)]
    terminalreporter.stats["skipped"] = [each for each in skipped if each not in without_browser]
    result = yield
    terminalreporter.stats["skipped"] = skipped
    if without_browser:
        terminalreporter.write_line(
            f"SKIPPED browser tests: {len(without_browser)}. There is no Chromium on the PATH, and ./run_tests.sh "
            "could not install one (.venv/no-browser.log says why).",
            red=True,
            bold=True,
        )
    return result
