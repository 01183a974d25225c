"""A download ends whole and checked, whatever happens on the way."""

from __future__ import annotations

import gzip
import hashlib
import logging
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sparseinst.errors import StorageError
from sparseinst.storage.download import download
from tests.conftest import ROOT
from tests.storage.file_server import FileServer

PIECE = 1 << 16  # what is written at a time
CONTENT = bytes(range(251)) * 1500  # 5.7 pieces
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("sparseinst.storage.download._FIRST_WAIT_S", 0.0)
    with FileServer() as server:
        server.files["w.pth"] = CONTENT
        yield server


@pytest.fixture
def said(caplog):
    """Gives what the log says so far."""
    caplog.set_level(logging.INFO, "sparseinst")
    return lambda: caplog.messages


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "w.pth"


def _begin(server, path, size=3 * PIECE):
    """Leaves `size` bytes of an unfinished download behind."""
    server.cuts, server.statuses = [size], []
    with pytest.raises(StorageError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparseinst.storage.download._FAILURES_IN_A_ROW", 1)
        download(server.url("w.pth"), path)
    assert not path.exists()
    server.requests.clear()


def test_a_file_comes_whole_with_its_hash_beside_it(server, path, said):
    assert download(server.url("w.pth"), path, sha256=DIGEST)
    assert path.read_bytes() == CONTENT
    assert {file.name for file in path.parent.iterdir()} - {".w.pth.lock"} == {"w.pth", "w.pth.sha256"}
    assert path.with_name("w.pth.sha256").read_text() == f"{DIGEST}  w.pth\n"
    assert DIGEST in said()[-1]


def test_an_empty_file_is_a_file(server, path):
    server.files["w.pth"] = b""
    assert download(server.url("w.pth"), path)
    assert path.read_bytes() == b""


def test_a_file_that_is_there_and_right_is_not_asked_for(server, path):
    download(server.url("w.pth"), path)
    server.requests.clear()
    assert not download(server.url("w.pth"), path)
    assert not download(server.url("w.pth"), path, sha256=DIGEST[:8].upper())
    assert server.requests == []


def test_a_damaged_file_is_fetched_again(server, path):
    download(server.url("w.pth"), path)
    for wanted in ("", DIGEST[:12]):
        path.write_bytes(b"damaged")
        assert download(server.url("w.pth"), path, sha256=wanted)
        assert path.read_bytes() == CONTENT


def test_after_a_lost_connection_only_the_rest_is_sent(server, path):
    server.cuts = [3 * PIECE]
    download(server.url("w.pth"), path, sha256=DIGEST)
    first, second = server.requests
    assert (first.range, first.status, first.sent) == (None, 200, 3 * PIECE)
    assert (second.range, second.status, second.sent) == (f"bytes={3 * PIECE}-", 206, len(CONTENT) - 3 * PIECE)
    assert path.read_bytes() == CONTENT


def test_a_killed_process_leaves_what_the_next_one_goes_on_from(server, path):
    server.hold_after = 4 * PIECE
    code = "import sys, pathlib; from sparseinst.storage.download import download; "
    code += "download(sys.argv[1], pathlib.Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", code, server.url("w.pth"), str(path)], cwd=ROOT)
    part = path.with_name(".w.pth.part")
    try:
        deadline = time.monotonic() + 10
        while not (part.exists() and part.stat().st_size >= 3 * PIECE) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    server.go_on.set()
    assert not path.exists()
    kept = part.stat().st_size
    assert kept >= 3 * PIECE
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert server.requests[1].range == f"bytes={kept}-"
    assert server.requests[1].sent == len(CONTENT) - kept


@pytest.mark.parametrize(
    ("etag", "headers", "resumes"),
    [
        ('"v1"', {}, True),
        ('W/"v1"', {"Last-Modified": "Wed, 01 Jul 2026 10:00:00 GMT"}, True),
        ('W/"v1"', {}, False),
        (None, {}, False),
    ],
)
def test_a_download_goes_on_only_where_the_server_can_tell_versions_apart(server, path, etag, headers, resumes):
    server.etag, server.headers = etag, headers
    _begin(server, path)
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert [seen.status for seen in server.requests] == [206 if resumes else 200]
    assert (server.requests[0].range is not None) == resumes


@pytest.mark.parametrize("obeys_if_range", [True, False])
@pytest.mark.parametrize("size", [10, len(CONTENT)])
def test_a_file_that_has_changed_is_begun_anew(server, path, obeys_if_range, size):
    _begin(server, path)
    server.files["w.pth"] = new = b"n" * size
    server.obeys_if_range = obeys_if_range
    download(server.url("w.pth"), path)
    assert path.read_bytes() == new
    assert server.requests[0].range == f"bytes={3 * PIECE}-"
    assert server.requests[-1].status == 200
    assert len(server.requests) == (1 if obeys_if_range else 2)


def test_a_server_without_ranges_sends_everything_again(server, path):
    server.ranges = False
    server.cuts = [3 * PIECE]
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert [seen.status for seen in server.requests] == [200, 200]


def test_a_download_that_only_lacked_its_name_gets_it(server, path):
    _begin(server, path)
    path.with_name(".w.pth.part").write_bytes(CONTENT)
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert [(seen.status, seen.sent) for seen in server.requests] == [(416, 0)]
    assert path.read_bytes() == CONTENT


def test_more_bytes_than_the_file_has_are_thrown_away(server, path):
    _begin(server, path)
    path.with_name(".w.pth.part").write_bytes(CONTENT + b"more")
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert [seen.status for seen in server.requests] == [416, 200]


def test_a_server_that_compresses_unasked_gives_the_file_all_the_same(server, path):
    server.files["w.pth"] = gzip.compress(CONTENT)
    server.headers = {"Content-Encoding": "gzip"}
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert path.read_bytes() == CONTENT


def test_another_hash_than_expected_leaves_nothing_behind_and_is_told(server, path):
    wrong = "0" * 64
    with pytest.raises(StorageError) as caught:
        download(server.url("w.pth"), path, sha256=wrong)
    assert wrong in str(caught.value) and DIGEST in str(caught.value)
    assert caught.value.where == server.url("w.pth") and caught.value.fix
    assert [file.name for file in path.parent.iterdir()] == [".w.pth.lock"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "problem"), [(404, "no such file"), (403, "refuses"), (400, "HTTP 400")])
def test_a_refusal_ends_the_download_at_once_without_telling_secrets(server, path, status, problem):
    server.statuses = [status]
    url = server.url("w.pth?token=hunter2").replace("http://", "http://me:hunter2@")
    with pytest.raises(StorageError, match=problem) as caught:
        download(url, path)
    assert len(server.requests) == 1
    assert caught.value.where == server.url("w.pth") and caught.value.fix
    assert "hunter2" not in str(caught.value)


def test_a_busy_server_is_asked_again_when_it_wants_to_be(server, path, monkeypatch):
    waits = []
    monkeypatch.setattr("sparseinst.storage.download._FIRST_WAIT_S", 2.0)
    monkeypatch.setattr("sparseinst.storage.download.time.sleep", waits.append)
    server.statuses = [503, 500, 429]
    server.headers = {"Retry-After": "3"}
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert waits == [3.0, 4.0, 8.0]


def test_a_server_that_stays_ill_is_given_up(server, path):
    server.statuses = [503] * 9
    with pytest.raises(StorageError, match="answers 503"):
        download(server.url("w.pth"), path)
    assert len(server.requests) == 5


def test_a_bad_line_is_enough_as_long_as_every_attempt_brings_something(server, path):
    server.cuts = [PIECE // 8 + number for number in range(1, 12)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparseinst.storage.request._CHUNK_BYTES", PIECE // 8)
        download(server.url("w.pth"), path, sha256=DIGEST)
    assert len(server.requests) == 12


def test_a_server_that_is_not_there_is_named_without_secrets(tmp_path, monkeypatch, said):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("sparseinst.storage.download._FIRST_WAIT_S", 0.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{unused.getsockname()[1]}/w.pth"
        with pytest.raises(StorageError, match="refused") as caught:
            download(f"{place}?token=hunter2", tmp_path / "w.pth", unreachable_fix="Ask the cat.")
    assert (caught.value.where, caught.value.fix) == (place, "Ask the cat.")
    assert len(said()) == 4
    assert "hunter2" not in str(caught.value) + "".join(said())


def test_an_address_that_is_none_is_refused(tmp_path):
    with pytest.raises(StorageError, match="fails") as caught:
        download("http:///w.pth?token=hunter2", tmp_path / "w.pth")
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot read or write") as caught:
        download(server.url("w.pth"), tmp_path / "file" / "w.pth")
    assert str(tmp_path) in caught.value.where


def test_of_two_that_want_a_file_at_once_one_fetches_it_and_the_other_waits(server, path, said):
    server.hold_after = PIECE
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(download, server.url("w.pth"), path)
        assert server.held.wait(10)
        second = pool.submit(download, server.url("w.pth"), path)
        deadline = time.monotonic() + 10
        while not any("another process" in line for line in said()) and time.monotonic() < deadline:
            time.sleep(0.01)
        server.go_on.set()
        assert (first.result(), second.result()) == (True, False)
    assert len(server.requests) == 1
    assert path.read_bytes() == CONTENT


def test_a_log_tells_bytes_speed_and_time_left(server, path, said, monkeypatch):
    monkeypatch.setattr("sparseinst.progress._SECONDS_BETWEEN_LINES", 0.0)
    download(server.url("w.pth"), path)
    line = next(line for line in said() if line.startswith("downloading w.pth: "))
    assert "of 0.4 MB" in line and "MB/s" in line and line.endswith("s left")


def test_a_terminal_shows_a_bar(server, path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    download(server.url("w.pth"), path, sha256=DIGEST)
    assert "downloading w.pth" in capsys.readouterr().err
