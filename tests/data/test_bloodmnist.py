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


def test_the_file_is_downloaded_whole(server: str, tmp_path: Path) -> None:
    path = download_bloodmnist(tmp_path / "cache", f"{server}/file", MD5)
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["bloodmnist_64.npz"]


@pytest.mark.parametrize(
    ("page", "md5", "said"),
    [
        ("file", "0" * 32, "(?i)hash"),
        ("dies", MD5, "(?i)incomplete|broken|hash"),
        ("missing", MD5, "answered 404"),
    ],
)
def test_a_failed_download_leaves_nothing_behind(
    page: str, md5: str, said: str, server: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        download_bloodmnist(tmp_path, f"{server}/{page}", md5)
    assert list(tmp_path.iterdir()) == []
    assert server in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("page", ["silent", "stalls"])
def test_a_server_that_does_not_answer_or_go_on_is_given_up(
    page: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bloodmnist, "TIMEOUT", (0.2, 0.2))
    with pytest.raises(InputError, match="timed out"):
        download_bloodmnist(tmp_path, f"{server}/{page}", MD5)
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_said(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(InputError, match="no connection"):
            download_bloodmnist(tmp_path, f"http://127.0.0.1:{port}/file", MD5)


def test_the_limits_add_up_to_less_than_15_seconds() -> None:
    connecting, standing_still = bloodmnist.TIMEOUT
    assert 3 * connecting + standing_still < 15


def test_the_folder_may_be_impossible_to_write(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="could not be downloaded"):
        download_bloodmnist(tmp_path / "file" / "cache", f"{server}/file", MD5)


def test_the_first_file_with_the_right_checksum_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bloodmnist.MD5, "bloodmnist_64.npz", MD5)
    bad, good = tmp_path / "data" / "bloodmnist_64.npz", tmp_path / "cache" / "bloodmnist_64.npz"
    assert find_bloodmnist([bad, good]) == (None, [])
    for path, content in ((bad, CONTENT[1:]), (good, CONTENT)):
        path.parent.mkdir()
        path.write_bytes(content)
    found, problems = find_bloodmnist([bad, good])
    assert found == good
    assert [str(bad) in str(problem) and "checksum" in str(problem) for problem in problems] == [True]


def test_the_usual_places_start_with_64_pixels_in_the_checkout() -> None:
    places = bloodmnist.usual_places()
    assert places[0] == bloodmnist.ROOT / "data" / "bloodmnist_64.npz"
    assert Path("~/.medmnist/bloodmnist.npz").expanduser() in places
    names = [path.name for path in places]
    assert names == ["bloodmnist_64.npz"] * 3 + ["bloodmnist.npz"] * 3
