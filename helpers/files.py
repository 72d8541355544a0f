"""Files that are written as a whole or not at all."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[1]  # the checkout, with notebooks, data and outputs


def _unfinished(path: Path) -> Path:
    return path.with_name(f".unfinished-{uuid4().hex}.{path.name}")


def prepare_folder(folder: Path) -> None:
    """Make ``folder`` if need be; OSError where nothing can be written in it: now, not after an hour of work."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


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
    """Delete what killed processes left half written in ``folder`` a day ago or earlier; the rest may be in work."""
    for path in folder.glob(".unfinished-*.*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > 86_400:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, so that a reader sees either the old file or the new one."""
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
