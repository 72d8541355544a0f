"""What the user asked of `./run_all.sh`, and the command that asks for it again."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from helpers.cells import InputError
from helpers.command_line import OneLineParser
from helpers.data import KEYWORDS
from helpers.recipes import PROFILES
from helpers.storage import ROOT
from helpers.study import SCHEDULER

DEFAULT_OUT = ROOT / "outputs"


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    data: str
    profile: str
    out: Path
    pdf: bool = False
    external: str = ""
    dask: str | None = None

    def command(self) -> str:
        """Return the command that repeats this run's results (printing and helping machines change none)."""
        data = self.data if self.data in KEYWORDS else _from_the_checkout(self.data)
        words = ["./run_all.sh", "--data", data, "--profile", self.profile]
        words += ["--external", _from_the_checkout(self.external)] if self.external else []
        words += ["--out", _from_the_checkout(self.out)] if self.out != DEFAULT_OUT else []
        return shlex.join(words)


def _from_the_checkout(path: str | Path) -> str:
    """Return a path that leads from the checkout to where ``path`` leads from here."""
    return str(path) if Path.cwd() == ROOT else str(Path(path).expanduser().absolute())


def parse(arguments: list[str] | None) -> Options:
    """Return the options; InputError where they are wrong. ``--help`` ends the program."""
    parser = OneLineParser(prog="./run_all.sh", description="Run the six notebooks and render the report.")
    parser.add_argument("--data", default="auto", metavar="SOURCE",
                        help=f"{', '.join(KEYWORDS)}, an .npz file or a folder (default: auto)")  # fmt: skip
    parser.add_argument("--profile", default="quick", choices=PROFILES, help="default: quick")
    parser.add_argument("--out", default=str(DEFAULT_OUT), metavar="DIR", help="default: outputs")
    parser.add_argument(
        "--pdf", action="store_true", help="print report.pdf too, where Chromium is installed"
    )
    parser.add_argument("--external", metavar="FILE",
                        help="cells of another laboratory, to test on only: an .npz file or a folder")  # fmt: skip
    parser.add_argument("--dask", metavar="ADDRESS", default=os.environ.get(SCHEDULER),
                        help="spread the work over the Dask scheduler at tcp://HOST:PORT or over this machine's cores "
                        "(local), with the same results; notebooks opened by hand find an address in "
                        f"{SCHEDULER}")  # fmt: skip
    found = parser.parse_args(arguments)
    for option in ("out", "external"):
        if (value := getattr(found, option)) is not None and not value.strip():
            raise InputError(f"--{option} '': empty, expected the name of a file or folder")
    for option in ("data", "out", "external"):
        try:
            (getattr(found, option) or "").encode()
        except UnicodeEncodeError as error:  # notebooks take their parameters as UTF-8
            raise InputError(
                f"--{option} {getattr(found, option)}: no UTF-8, expected another name"
            ) from error
    return Options(found.data, found.profile, Path(found.out), found.pdf, found.external or "", found.dask)
