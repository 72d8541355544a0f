"""What all commands share: one line on standard error and exit code 2 for input that cannot be used."""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn


class InputError(ValueError):
    """Input that cannot be used; the message tells the user in one line what was found and what was expected."""


def printable(text: object) -> str:
    """Return ``text`` on one line, with control and undecodable characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def some_of(items: Iterable[object], most: int = 20) -> str:
    """Return items separated by commas: at most so many, and how many more there are; "none" where there is no item."""
    texts = [str(item) for item in items]
    return ", ".join(texts[:most] + ([f"and {len(texts) - most:,} more"] if len(texts) > most else [])) or "none"


def refused(path: Path | str, finding: str) -> InputError:
    """Return an `InputError` whose single line names ``path`` and says what is wrong with it."""
    return InputError(printable(f"{path}: {textwrap.shorten(finding, 2000, placeholder=' …')}"))


@contextmanager
def refusing(path: Path | str, what: str) -> Iterator[None]:
    """Turn every exception that libraries raise on damaged, unreadable or forbidden files into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise refused(path, f"cannot be used as {what} ({error.strerror or str(error).partition(' <')[0]})") from error
    except Exception as error:  # zipfile, Pillow, Keras, skops, ONNX Runtime and others each raise their own
        raise refused(path, f"is damaged or not {what} ({type(error).__name__}: {error})") from error


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose error messages are one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; --help lists the options")


def with_exit_code(command: Callable[[list[str] | None], int]) -> Callable[..., int]:
    """Return ``command`` changed so that it prints an InputError as one line and returns 2.

    It prints on any terminal, with question marks for characters that it lacks, and ends quietly with 141 where nobody
    reads what it prints any more.
    """

    @wraps(command)
    def guarded(arguments: list[str] | None = None) -> int:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace", line_buffering=True)  # a pipe or a log shows each line at once
        try:
            code = command(arguments)
            sys.stdout.flush()
            return code
        except InputError as error:
            print(f"error: {printable(error)}", file=sys.stderr)
            return 2
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
            return 141

    return guarded
