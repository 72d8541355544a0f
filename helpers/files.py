"""Files that are written as a whole or not at all."""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The checkout, with notebooks, data and outputs."""

HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
"""An identifier of this machine, for folders that several share."""


def _unfinished(path: Path) -> Path:
    return path.with_name(f".unfinished-{HOST}-{os.getpid()}.{path.name}")


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _unfinished(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder_written_atomically(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``folder`` only if the block succeeds."""
    temporary = _unfinished(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(folder, ignore_errors=True)
        try:
            temporary.rename(folder)
        except OSError:  # another process may have finished the same folder
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes of this machine left half written in ``folder``, but nothing of other machines."""
    for path in folder.glob(f".unfinished-{HOST}-*.*"):
        try:
            os.kill(int(path.name.split(".")[1].rpartition("-")[2]), 0)
        except ProcessLookupError:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except (PermissionError, ValueError):
            pass  # another user's process, or a name of another kind


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, so that a reader sees either the old file or the new one."""
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
