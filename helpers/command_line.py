"""What all command lines share: one line on standard error and exit code 2 for whatever cannot be used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from helpers.cells import InputError


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError with argparse's message."""
        raise InputError(f"{message}; --help tells the options")


def exit_code(command: Callable[[], int]) -> int:
    """Return what ``command`` returns, or 2 after printing an InputError as one line."""
    try:
        return command()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
