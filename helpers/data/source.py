"""The one door through which cells come in, whatever form they have."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from helpers.cache_keys import file_sha256, key_of
from helpers.data.bloodmnist import download_bloodmnist, find_bloodmnist, is_bloodmnist
from helpers.data.cells import Cells
from helpers.data.folder import list_images, read_images
from helpers.data.npz import read_archive
from helpers.errors import InputError, refused, refusing
from helpers.files import ROOT

KEYWORDS = ("auto", "bloodmnist", "synthetic")

SAME_COLLECTION = (
    "The settings of handcrafted_best and cellnet were chosen on images of this collection, some of which may be test "
    "images here: their test accuracies may flatter."
)
"""A note on BloodMNIST, which draws on the pictures of the original report's data.npz and splits them otherwise."""


@dataclass(frozen=True)
class Source:
    """Where the cells will come from, before any is loaded."""

    kind: Literal["archive", "images", "synthetic"]
    path: Path | None = None
    reason: str = ""
    """Why "auto" ended here, and which files were refused on the way, for the report; else empty."""
    synthetic_count: int = 0


def describe_path(path: Path) -> Source:
    """Return what lies at ``path``, judged by content and not by suffix; raise InputError."""
    if path.is_dir():
        return Source("images", path.absolute())
    if not path.is_file():
        found = "is no regular file" if path.exists() else "not found"
        raise refused(path, f"{found}, expected {', '.join(KEYWORDS)}, an .npz file, a folder or an image")
    with path.open("rb") as stream:
        start = stream.read(12)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Source("archive", path.absolute())
    if start.startswith((b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"RIFF")):
        return Source("images", path.absolute())
    found = "is a single .npy array" if start.startswith(b"\x93NUMPY") else f"begins with {start[:4]!r}"
    raise refused(path, f"{found}, expected an .npz file of images and labels, a folder or an image")


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
    found, problems = find_bloodmnist()
    reasons = ["data/data.npz is not there"] if source == "auto" else []
    reasons += [f"refused: {problem}" for problem in problems]
    try:
        if source == "bloodmnist" and problems and not found:
            raise problems[0]
        path = found or download_bloodmnist()
    except InputError as error:
        if source == "bloodmnist":
            raise
        reason = "; ".join([*reasons, f"{error}; synthetic cells are drawn."])
        return Source("synthetic", reason=reason, synthetic_count=synthetic_count)
    reasons += ["BloodMNIST is used."] if source == "auto" else []
    return Source("archive", path, "; ".join(reasons))


def load_cells(source: str | Path = "auto", *, synthetic_count: int = 12_000) -> Cells:
    """Return the cells that ``source`` names (see `resolve_source`), every conversion stated in ``notes``.

    Raises InputError with one line for whatever is not understood.
    """
    resolved = resolve_source(source, synthetic_count=synthetic_count)
    notes = (resolved.reason,) if resolved.reason else ()
    if resolved.path is None:
        from helpers.data.synthetic import draw_cells

        cells = draw_cells(resolved.synthetic_count)
    elif resolved.kind == "images":
        cells = read_images(resolved.path)
    else:
        cells = read_archive(resolved.path)
        if is_bloodmnist(resolved.path):
            cells = replace(cells, source="BloodMNIST (MedMNIST v2, Zenodo record 10519652, CC BY 4.0)")
            notes = (*notes, SAME_COLLECTION)
    return replace(cells, notes=(*notes, *cells.notes))


def source_fingerprint(source: Source) -> str:
    """Return a hash over all that the cells of a resolved source depend on: names, contents, skipped files."""
    if source.path is None:
        return key_of(source.synthetic_count, file_sha256(Path(__file__).with_name("morphology.csv")))
    with refusing(source.path, "data"):
        listing = list_images(source.path)
        names = [path.relative_to(source.path.parent) for path in listing.paths]
        return key_of(ascii((names, listing.notes)), [file_sha256(path) for path in listing.paths])
