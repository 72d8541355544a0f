"""Whether a run holds: ``python -m tools.reliability same|killed|starved|two``, on Linux.

Each makes runs of the smoke profile in a temporary folder and prints a figure per line. The exit code is 1 where
something does not hold.
"""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import papermill

from helpers.errors import OneLineParser, with_exit_code
from helpers.files import ROOT
from tools.smoke import Smoke, counted, unequal, unreadable

Figures = Iterator[tuple[bool, str]]
"""Whether something holds, and the line that says so."""

CHAIN = 10
"""Runs that are killed in one folder before a last one is left to finish there. Then a new folder follows."""

AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
"""What makes the libraries compute as on a processor without AVX-512."""

MEMORY = Path("/sys/fs/cgroup/memory")
"""Where Linux limits the memory of a group of processes (cgroup v1)."""


def shell(command: str, *before: str) -> tuple[str, ...]:
    """Return the beginning of a command that first runs another one in a shell."""
    return (*before, "sh", "-c", f'{command} && exec "$@"', "sh")


def completed(what: str, run: Smoke, undisturbed: Path) -> tuple[bool, str]:
    """Return whether a run ends with the results of the undisturbed one, and a line."""
    code, line = run.finish()
    found = unequal(run.out, undisturbed) if code == 0 else [line]
    return not found, f"{what}: ended with {code}, differences: {counted(found)}"


def refused(what: str, run: Smoke, expected: int) -> tuple[bool, str]:
    """Return whether a run ends with the expected code and a clear last line and leaves no damaged file, and a line."""
    begun = time.monotonic()
    code, line = run.finish()
    damaged = unreadable(run.out)[1]
    is_clear = line.startswith(("error: ", "failed: ")) and code == expected and not damaged
    took = time.monotonic() - begun
    return is_clear, f"{what}: ended with {code} after {took:.0f} s, damaged files: {counted(damaged)}; it said {line}"


def same(options: Namespace, folder: Path, undisturbed: Path) -> Figures:
    """Compare a run in other surroundings, then one on another processor, with the undisturbed one."""
    surroundings = {"PYTHONHASHSEED": str(options.seed + 1), "LC_ALL": "C", "TZ": "Pacific/Kiritimati"}
    run = Smoke(folder / "surroundings", cwd=folder, env=surroundings)
    yield completed("another hash seed, locale, time zone and working directory", run, undisturbed)
    cpuinfo = folder / "cpuinfo"
    cpuinfo.write_text(re.sub(r" (avx512\w*|amx\w*)", "", Path("/proc/cpuinfo").read_text()))
    hide = shell(f"mount --bind {cpuinfo} /proc/cpuinfo", "unshare", "--mount") if os.getuid() == 0 else ()
    run = Smoke(folder / "processor", env=AVX2, prefix=hide)
    yield run.finish()[0] == 0, "a processor without AVX-512 and (as root) bfloat16: completed"
    found = [path for path in unequal(run.out, undisturbed) if path.startswith(("split", "dropped", "data"))]
    yield not found, f"  differences in the data and the split: {counted(found)}"
    with np.load(run.out / "test_predictions.npz") as here, np.load(undisturbed / "test_predictions.npz") as there:
        for name in here.files[2:]:
            most, other = np.abs(here[name] - there[name]).max(), here[name].argmax(1) != there[name].argmax(1)
            yield True, f"  {name}: probabilities differ by up to {most:.1g}, {other.sum()} of {len(other)} classes"


def killed(options: Namespace, folder: Path, undisturbed: Path) -> Figures:
    """Kill runs at random moments, each of which continues from what the last one left."""
    generator = random.Random(options.seed)
    numbers = [signal.SIGKILL] * options.kills + [signal.SIGINT, signal.SIGTERM] * max(1, options.kills // 10)
    generator.shuffle(numbers)
    seconds: dict[signal.Signals, list[float]] = {number: [] for number in numbers}
    looked_at, damaged = 0, list[str]()
    for at in range(0, len(numbers), CHAIN):
        out, some = folder / f"chain {at // CHAIN}", numbers[at : at + CHAIN]
        for number in some:
            run = Smoke(out)
            try:
                run.process.wait(generator.uniform(0, options.longest))
            except subprocess.TimeoutExpired:
                seconds[number].append(run.end_by(number))
            count, found = unreadable(out)
            looked_at, damaged = looked_at + count, damaged + found
            if run.process.returncode == 0:  # it had finished before
                shutil.rmtree(out)
        yield completed(f"a run after {len(some)} that were killed", Smoke(out), undisturbed)
    for number, each in seconds.items():
        longest = max(each, default=0)
        yield longest < 5, f"{number.name} {len(each)} times: the last process ended within {longest:.1f} s"
    yield not damaged, f"files opened after each: {looked_at}, damaged: {counted(damaged)}"


def starved(options: Namespace, folder: Path, undisturbed: Path) -> Figures:
    """Let runs lack a network, a cache, a disk, then a core, a home and memory, and let a clock jump."""
    silent = socket.create_server(("127.0.0.1", 0))
    proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
    alone = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder), "https_proxy": proxy, "no_proxy": ""}
    for what, changed in (
        ("a network that hangs", {}),
        ("and no permission on the cache", {"XDG_CACHE_HOME": "/proc"}),
    ):
        yield refused(what, Smoke(folder / "out", "--data", "bloodmnist", env=alone | changed), 2)
    is_root, out = os.getuid() == 0, folder / "disk"
    out.mkdir()
    for settings in ("ro", "rw,size=4k", "rw,size=400k", "rw,size=8m") if is_root else ():
        mount(out, settings)
        yield refused(f"a disk of {settings}", Smoke(out), 2 if settings == "ro" else 1)
    group, limit, home = MEMORY / "reliability", "true", {"HOME": "/proc/nowhere"}
    if is_root:
        mount(out, "rw,size=1g")
        group.mkdir(exist_ok=True)
        (group / "memory.limit_in_bytes").write_text("2G")
        limit = f"echo $$ > {group}/cgroup.procs"
    run = Smoke(out, prefix=shell(limit, "taskset", "--cpu-list", "0"), env=home)
    yield completed("one core, no home and, as root, 2 GiB of memory and then a larger disk", run, undisturbed)
    if is_root:
        most = int((group / "memory.max_usage_in_bytes").read_text()) / 2**30
        yield True, f"  all its processes and what they wrote took up to {most:.2f} GiB of memory"
        group.rmdir()
    for path in out.rglob("*"):
        os.utime(path, (4e9, 4e9))
    _, line = Smoke(out).finish()
    yield "nothing had changed" in line, f"files of the year 2096: {line}"
    if is_root:
        subprocess.run(["umount", out], check=True)


def mount(folder: Path, settings: str) -> None:
    """Put a disk in memory in place of a folder, or change its settings."""
    how = f"remount,{settings}" if folder.is_mount() else settings
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "none", folder], check=True)


def two(options: Namespace, folder: Path, undisturbed: Path) -> Figures:
    """Start a second run in the folder of a first, then execute notebooks there beside the first."""
    out = folder / "shared"
    first = Smoke(out)
    while "running" not in first.text():
        time.sleep(0.1)
    yield refused("a second run into the same folder", Smoke(out), 2)
    parameters = {"DATA": "synthetic", "PROFILE": "smoke", "OUT": str(out)}
    for path in sorted((ROOT / "notebooks").glob("0[346]*.ipynb")):
        papermill.execute_notebook(path, folder / path.name, parameters, cwd=path.parent, progress_bar=False)
        yield True, f"{path.name} executed beside the run"
    yield completed("the first run", first, undisturbed)
    yield completed("a run afterwards", Smoke(out), undisturbed)
    damaged = unreadable(out)[1]
    yield not damaged, f"damaged files: {counted(damaged)}"


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 if everything holds, 1 if something does not, and 2 if the options are wrong."""
    parser = OneLineParser(prog="python -m tools.reliability", description=__doc__)
    checks = {check.__name__: check for check in (same, killed, starved, two)}
    parser.add_argument("check", choices=checks)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments and of Python's hashes")
    parser.add_argument("--kills", type=int, default=30, help="by SIGKILL (default: 30)")
    parser.add_argument("--longest", type=float, default=120, help="seconds until a kill at most (default: 120)")
    parser.add_argument("--undisturbed", type=Path, help="a finished smoke run of synthetic images, else one is made")
    options = parser.parse_args(arguments)
    is_held = True
    with tempfile.TemporaryDirectory(prefix="reliability-", ignore_cleanup_errors=True) as folder:
        undisturbed = options.undisturbed or Path(folder, "undisturbed")
        if not options.undisturbed:
            Smoke(undisturbed).finish()
        for holds, line in checks[options.check](options, Path(folder), undisturbed):
            print(f"{'holds' if holds else 'DOES NOT HOLD'}: {line}")
            is_held &= holds
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
