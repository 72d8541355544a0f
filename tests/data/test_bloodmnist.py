"""BloodMNIST: found, downloaded, or refused; never used with a wrong checksum. No network is touched."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from helpers.data import bloodmnist
from helpers.data.bloodmnist import download_bloodmnist, find_bloodmnist
from helpers.errors import InputError

CONTENT = bytes(range(256)) * 400
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; under /dies it ends half way, under /stalls it stands still there, /silent never answers."""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/silent":
            self.server.released.wait()  # type: ignore[attr-defined]
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if self.path in ("/dies", "/stalls") else CONTENT)
        if self.path == "/stalls":
            self.server.released.wait()  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that expects CONTENT, and neither checkout nor home."""
    monkeypatch.setattr(bloodmnist, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(bloodmnist, "ROOT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(bloodmnist.MD5, "bloodmnist_64.npz", MD5)
    return tmp_path / "cache"


def left_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()] if folder.exists() else []


def test_the_file_is_downloaded_whole(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bloodmnist, "URL", f"{server}/file")
    assert download_bloodmnist().read_bytes() == CONTENT
    assert left_in(cache) == ["bloodmnist_64.npz"]


@pytest.mark.parametrize(
    ("page", "md5", "said"),
    [
        ("file", "0" * 32, "(?i)hash"),
        ("dies", MD5, "(?i)incomplete|broken|hash"),
        ("missing", MD5, "404"),
    ],
)
def test_a_failed_download_leaves_nothing_behind(
    page: str, md5: str, said: str, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bloodmnist, "URL", f"{server}/{page}")
    monkeypatch.setitem(bloodmnist.MD5, "bloodmnist_64.npz", md5)
    with pytest.raises(InputError, match=said) as caught:
        download_bloodmnist()
    assert left_in(cache) == []
    assert server in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("page", ["silent", "stalls"])
def test_a_server_that_does_not_answer_or_go_on_is_given_up(
    page: str, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bloodmnist, "URL", f"{server}/{page}")
    monkeypatch.setattr(bloodmnist, "TIMEOUT", (0.2, 0.2))
    with pytest.raises(InputError, match="timed out"):
        download_bloodmnist()
    assert left_in(cache) == []


def test_no_network_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setattr(bloodmnist, "URL", f"http://127.0.0.1:{unused.getsockname()[1]}/file")
        with pytest.raises(InputError, match="no connection"):
            download_bloodmnist()


def test_the_limits_add_up_to_less_than_15_seconds() -> None:
    connecting, standing_still = bloodmnist.TIMEOUT
    assert 3 * connecting + standing_still < 15


def test_the_folder_may_be_impossible_to_write(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bloodmnist, "URL", f"{server}/file")
    cache.write_text("in the way")
    with pytest.raises(InputError, match=r"^bloodmnist: could not be downloaded"):
        download_bloodmnist()


def test_a_file_with_a_wrong_checksum_is_refused_even_where_another_is_good(cache: Path) -> None:
    bad, good = cache.parent / "data" / "bloodmnist_64.npz", cache / "bloodmnist_64.npz"
    for path, content in ((bad, CONTENT[1:]), (good, CONTENT)):
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(InputError, match="wrong MD5 checksum") as caught:
        find_bloodmnist()
    assert str(bad) in str(caught.value)
    bad.unlink()
    assert find_bloodmnist() == good


def test_64_pixels_come_first_and_the_checkout_before_home_and_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bloodmnist.MD5, "bloodmnist.npz", MD5)
    folders = [cache.parent / "data", cache.parent / ".medmnist", cache]
    places = [folder / name for name in ("bloodmnist_64.npz", "bloodmnist.npz") for folder in folders]
    for path in places:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CONTENT)
    for path in places:
        assert find_bloodmnist() == path
        path.unlink()
    assert find_bloodmnist() is None
