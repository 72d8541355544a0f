"""What decides that finished work is used again: its key, which changes with data, settings, source and libraries."""

import hashlib
import json
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from helpers.files import ROOT

LIBRARIES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("libraries.toml").read_text("utf-8"))
"""By package of ``helpers``, the libraries whose version can change what comes out of it."""

SOURCE = (".py", ".toml", ".csv", ".json", ".mplstyle", ".j2", ".css", ".js")
"""Endings of the files that Python, matplotlib, Jinja or a browser reads."""


def key_of(*parts: Any) -> str:
    """Return 16 hexadecimal digits that identify ``parts`` (anything JSON can hold)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of every library that the named packages of ``helpers`` depend on."""
    return {name: version(name) for package in packages for name in LIBRARIES[package]}


def source_files(*places: str) -> dict[str, str]:
    """Return the SHA-256 of each source file in the named folders and files below ``helpers``; "." is all of it."""
    folder = ROOT / "helpers"
    found = (file for place in places for file in [folder / place, *(folder / place).rglob("*")])
    read = sorted(file for file in found if file.suffix in SOURCE)
    return {file.relative_to(folder).as_posix(): file_sha256(file) for file in read}


def code_key(package: str) -> str:
    """Return a key over the source of ``helpers/PACKAGE``, what it takes from the data, and versions of its libraries.

    Modules ask when they are imported: a process keeps the source it has imported, whatever happens to the files.
    """
    return key_of(source_files(package, "data/constants.py", "data/augmentation.py"), versions(package))
