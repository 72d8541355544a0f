"""Finds BloodMNIST in the usual folders or downloads it once, and never uses it with a wrong checksum.

Source: Yang et al. 2023, "MedMNIST v2", Scientific Data, doi:10.1038/s41597-022-01721-8 (CC BY 4.0).
"""

import hashlib
import sys
from contextlib import suppress
from pathlib import Path

from helpers.errors import refused, refusing
from helpers.files import ROOT

MD5 = {"bloodmnist_64.npz": "2b94928a2ae4916078ca51e05b6b800b", "bloodmnist.npz": "7053d0359d879ad8a5505303e11de1dc"}
"""Checksums of the files of 64 and 28 pixels; the first is preferred."""

DOWNLOAD = "bloodmnist_64.npz"
URL = f"https://zenodo.org/records/10519652/files/{DOWNLOAD}?download=1"

TIMEOUT = (3.0, 5.0)  # seconds to connect to each of the server's addresses (Zenodo has three), and without data


def cache_folder() -> Path:
    """Return the user's cache folder for this project."""
    import pooch

    return Path(pooch.os_cache("blood-cell-report"))


def is_bloodmnist(path: Path) -> bool:
    """Return whether a file is one of the published BloodMNIST files, by name and checksum."""
    if path.name not in MD5:
        return False
    with refusing(path, "a file"), path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest() == MD5[path.name]


def find_bloodmnist() -> Path | None:
    """Return the file in ``data/``, ``~/.medmnist`` or the cache, 64 pixels first, or None where there is none.

    InputError if the first one found has a wrong checksum: it is damaged, and no other is taken in its place.
    """
    folders = [ROOT / "data", cache_folder()]
    with suppress(RuntimeError):  # the user of a container may have no home folder
        folders.insert(1, Path.home() / ".medmnist")
    path = next(filter(Path.is_file, (folder / name for name in MD5 for folder in folders)), None)
    if path and not is_bloodmnist(path):
        raise refused(path, "has the wrong MD5 checksum; delete it to download it again")
    return path


def download_bloodmnist() -> Path:
    """Return the path of the file, downloaded into the user's cache.

    The file appears there only when it is complete and its checksum is right. Raises InputError otherwise. Without a
    network this takes about 15 seconds, plus the system's time to look up the server.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(sys.stderr.isatty(), chunk_size=2**16, timeout=TIMEOUT)
    try:
        return Path(pooch.retrieve(URL, f"md5:{MD5[DOWNLOAD]}", DOWNLOAD, cache_folder(), downloader=downloader))
    except Exception as error:  # requests, urllib3, ssl and pooch each raise their own
        is_down = isinstance(error, requests.ConnectionError) and "timed out" not in str(error)
        found = "no connection" if is_down else str(error)[:200]
        raise refused("bloodmnist", f"could not be downloaded from {URL} ({found})") from error
