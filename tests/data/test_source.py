"""The one door: what "auto" turns into, what a path is, and which cells can train a model."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import COUNT, IMAGES, LABELS, npz

from helpers.data import bloodmnist, source
from helpers.data.source import Source, load_cells, resolve_source, source_fingerprint
from helpers.errors import InputError
from helpers.files import ROOT


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout and home, and a network that is not there."""

    def unreachable() -> Path:
        raise InputError("bloodmnist: could not be downloaded from the test (no connection)")

    (tmp_path / "data").mkdir()
    monkeypatch.setattr(source, "ROOT", tmp_path)
    monkeypatch.setattr(bloodmnist, "ROOT", tmp_path)
    monkeypatch.setattr(bloodmnist, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(source, "download_bloodmnist", unreachable)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_auto_prefers_data_npz(checkout: Path) -> None:
    npz(checkout / "data" / "data.npz", images=IMAGES, labels=LABELS)
    source = resolve_source("auto")
    assert (source.kind, source.path) == ("archive", checkout / "data" / "data.npz")
    assert "data/data.npz" in load_cells("auto").notes[0]


@pytest.mark.parametrize("place", ["data/bloodmnist_64.npz", ".medmnist/bloodmnist_64.npz", ".medmnist/bloodmnist.npz"])
def test_auto_then_takes_a_bloodmnist_file_that_is_there(
    place: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = checkout / place
    path.parent.mkdir(exist_ok=True)
    npz(path, train_images=IMAGES, train_labels=LABELS, test_images=IMAGES, test_labels=LABELS)
    monkeypatch.setitem(bloodmnist.MD5, path.name, hashlib.md5(path.read_bytes()).hexdigest())
    assert resolve_source("auto").path == path
    assert resolve_source("bloodmnist").path == path
    assert load_cells("bloodmnist").source.startswith("BloodMNIST")
    assert load_cells(path).source.startswith("BloodMNIST")


def test_auto_ends_with_synthetic_cells_and_says_why(checkout: Path) -> None:
    source = resolve_source("auto")
    assert (source.kind, source.path) == ("synthetic", None)
    assert "There is no data/data.npz." in source.reason
    assert "no connection" in source.reason
    cells = load_cells("auto", synthetic_count=20)
    assert cells.is_synthetic
    assert len(cells) == 20
    assert cells.notes[0] == source.reason


@pytest.mark.parametrize("source", ["auto", "bloodmnist"])
def test_a_wrong_checksum_is_refused(source: str, checkout: Path) -> None:
    (checkout / "data" / "bloodmnist_64.npz").write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"bloodmnist_64\.npz: has the wrong MD5 checksum"):
        resolve_source(source)


def test_bloodmnist_without_a_network_is_refused(checkout: Path) -> None:
    with pytest.raises(InputError, match="no connection"):
        resolve_source("bloodmnist")


def test_synthetic_cells_follow_their_number() -> None:
    one, two, other = (load_cells("synthetic", synthetic_count=count) for count in (16, 16, 17))
    assert one.sha256 == two.sha256 != other.sha256
    assert one.is_synthetic


def test_the_fingerprint_of_a_file_changes_with_its_bytes_and_its_name(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", images=IMAGES)
    found = [source_fingerprint(resolve_source(path))]
    (tmp_path / "elsewhere").mkdir()
    moved = path.rename(tmp_path / "elsewhere" / "a.npz")
    assert source_fingerprint(resolve_source(moved)) == found[0]
    found.append(source_fingerprint(resolve_source(moved.rename(tmp_path / "b.npz"))))
    found.append(source_fingerprint(resolve_source(npz(path, images=IMAGES[:1]))))
    assert len(set(found)) == 3
    path.unlink()
    with pytest.raises(InputError, match=r"a\.npz"):
        source_fingerprint(Source("archive", path))


@pytest.mark.parametrize(
    "name", ["data", "data.dat", "data.jpg", "mit Leerzeichen ü.npz", "细胞.npz", "a\nb.npz", "-x"]
)
def test_the_name_of_the_file_does_not_matter(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    (tmp_path / "a.npz").rename(tmp_path / name)
    cells = load_cells(tmp_path / name)
    assert len(cells) == COUNT
    assert cells.source.isprintable()


@pytest.mark.parametrize(
    "source", ["", "  ", "nowhere.npz", "a\0b", "x" * 5000, "/dev/null/a", "~nobody_here/a", "Auto"]
)
def test_paths_that_lead_nowhere(source: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_source(source)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "fifo"])
def test_devices_and_fifos_do_not_hang(device: str, tmp_path: Path) -> None:
    path = tmp_path / device
    if device == "fifo":
        os.mkfifo(path)
    with pytest.raises(InputError, match="not a regular file"):
        resolve_source(path)


@pytest.mark.parametrize("links", [["loop.npz"], ["one.npz", "two.npz"]])
def test_links_in_a_circle(links: list[str], tmp_path: Path) -> None:
    for link, target in zip(links, links[1:] + links[:1], strict=True):
        (tmp_path / link).symlink_to(tmp_path / target)
    with pytest.raises(InputError, match=links[0]):
        resolve_source(tmp_path / links[0])


def test_no_permission_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = npz(tmp_path / "a.npz", images=IMAGES)

    def denied(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match=r"a\.npz: cannot be used .*Permission denied"):
        load_cells(path)


def test_no_permission_for_data_npz_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    npz(checkout / "data" / "data.npz", images=IMAGES)
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match=r"data\.npz: cannot be used .*Permission denied"):
        load_cells("auto")


def test_resolving_imports_no_tensorflow(tmp_path: Path) -> None:
    code = "import sys; from helpers import data; data.resolve_source(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, str(npz(tmp_path / "a.npz", images=IMAGES))]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow", "keras", "sklearn", "pandas", "requests"} & set(loaded)
