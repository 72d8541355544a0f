"""The one door through which cells come in, whatever form they have."""

import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from helpers.data.bloodmnist import download_bloodmnist, find_bloodmnist, is_bloodmnist, usual_places
from helpers.data.cells import Cells
from helpers.data.folder import folder_sha256, read_images
from helpers.data.npz import read_archive
from helpers.errors import InputError, refused, refusing
from helpers.files import ROOT, file_sha256, key_of

KEYWORDS = ("auto", "bloodmnist", "synthetic")

SAME_COLLECTION = (
    "The settings of handcrafted_best and cellnet were chosen on images of this collection, some of which may be test "
    "images here: their test accuracies may flatter."
)
"""A note on BloodMNIST, which draws on the pictures of the original report's data.npz and splits them otherwise."""


@dataclass(frozen=True)
class Source:
    """Where the cells will come from, before any is loaded."""

    kind: Literal["archive", "folder", "image", "synthetic"]
    path: Path | None = None
    reason: str = ""
    """Why "auto" ended here, and which files were refused on the way, for the report; else empty."""
    synthetic_count: int = 0


def describe_path(path: Path) -> Source:
    """Return what lies at ``path``, judged by content and not by suffix; raise InputError."""
    if not path.exists():
        raise refused(path, f"not found, expected {', '.join(KEYWORDS)}, an .npz file or a folder")
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return Source("folder", path.absolute())
    if not stat.S_ISREG(mode):
        raise refused(path, "is no regular file, expected an .npz file, a folder or an image")
    with path.open("rb") as stream:
        start = stream.read(12)
    image_starts = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"RIFF")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Source("archive", path.absolute())
    if start.startswith(image_starts):
        return Source("image", path.absolute())
    if start.startswith(b"\x93NUMPY"):
        raise refused(path, "is a single .npy array, expected an .npz file with images and labels")
    raise refused(path, f"begins with {start[:4]!r}, expected an .npz file, a folder or an image")


def resolve_source(source: str | Path = "auto", *, synthetic_count: int = 12_000) -> Source:
    """Return where ``source`` leads, downloading BloodMNIST if need be but loading no image.

    ``source`` is "auto", "bloodmnist", "synthetic" or a path. Raises InputError where it leads nowhere.
    """
    if source == "synthetic":
        return Source("synthetic", synthetic_count=synthetic_count)
    if source not in KEYWORDS:
        if not str(source).strip():
            raise InputError(f"data source '{source}': empty, expected a path or {', '.join(KEYWORDS)}")
        with refusing(source, "data"):
            return describe_path(Path(source).expanduser())

    original = ROOT / "data" / "data.npz"
    with refusing(original, "data"):
        if source == "auto" and original.exists():
            return replace(describe_path(original), reason="data/data.npz is there.")
    found, problems = find_bloodmnist(usual_places())
    reasons = [f"refused: {problem}" for problem in problems]
    if source == "bloodmnist":
        if problems and not found:
            raise problems[0]
        return Source("archive", found or download_bloodmnist(), "; ".join(reasons))
    reasons = ["data/data.npz is not there", *reasons]
    try:
        return Source("archive", found or download_bloodmnist(), "; ".join([*reasons, "BloodMNIST is used."]))
    except InputError as error:
        reason = "; ".join([*reasons, f"{error}; synthetic cells are drawn."])
        return Source("synthetic", reason=reason, synthetic_count=synthetic_count)


def load_cells(source: str | Path = "auto", *, synthetic_count: int = 12_000) -> Cells:
    """Return the cells that ``source`` names; see `resolve_source`.

    ``labels`` is None where the source has none. Every conversion is stated in ``notes``. Raises InputError
    with one line for whatever is not understood.
    """
    resolved = resolve_source(source, synthetic_count=synthetic_count)
    notes = (resolved.reason,) if resolved.reason else ()
    if resolved.path is None:
        from helpers.data.synthetic import draw_cells

        cells = draw_cells(resolved.synthetic_count)
    elif resolved.kind != "archive":
        return read_images(resolved.path)
    else:
        cells = read_archive(resolved.path)
        if is_bloodmnist(resolved.path):
            cells = replace(cells, source="BloodMNIST (MedMNIST v2, Zenodo record 10519652, CC BY 4.0)")
            notes = (*notes, SAME_COLLECTION)
    return replace(cells, notes=(*notes, *cells.notes)) if notes else cells


def source_fingerprint(source: Source) -> str:
    """Return a hash over everything in a resolved source that its cells depend on, and its name."""
    if source.path is None:
        return key_of("synthetic", source.synthetic_count)
    if source.kind == "folder":
        return key_of(ascii(source.path.name), folder_sha256(source.path))
    with refusing(source.path, "a file"):
        return key_of(ascii(source.path.name), file_sha256(source.path))
