"""Where the numbers come from: commit, versions, hardware, data and split."""

import os
import platform
import subprocess
import sys
from typing import Any

from helpers.files import LIBRARIES, ROOT, versions
from helpers.recipes import THREADS
from helpers.study import Study


def _git(*arguments: str) -> str | None:
    try:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def describe_provenance(study: Study) -> dict[str, Any]:
    """Return what a reader needs to get the same digits: code, packages, machine, data, split, seeds."""
    # a copy that lies in another repository has none of its commits
    is_checkout = _git("rev-parse", "--show-toplevel") == str(ROOT)
    changes = _git("status", "--porcelain") if is_checkout else None
    return {
        "commit": _git("rev-parse", "HEAD") if is_checkout else None,
        "tree_is_clean": None if changes is None else not changes,
        "profile": study.profile_name,
        "seeds": {name: list(range(seeds)) for name, (_, seeds) in study.profile.trainings.items()},
        "data_sha256": study.cells.sha256,
        "split_sha256": study.split.sha256,
        "python": sys.version.split()[0],
        "packages": versions(*LIBRARIES),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads_per_training": THREADS,
    }
