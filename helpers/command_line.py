"""What all command lines share: one line on standard error and exit code 2 for whatever cannot be used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import wraps
from typing import NoReturn

from helpers.cells import InputError


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError with argparse's message."""
        raise InputError(f"{message}; --help tells the options")


def with_exit_code(command: Callable[[list[str] | None], int]) -> Callable[..., int]:
    """Return ``command`` such that it prints an InputError as one line and returns 2."""

    @wraps(command)
    def guarded(arguments: list[str] | None = None) -> int:
        try:
            return command(arguments)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2

    return guarded
