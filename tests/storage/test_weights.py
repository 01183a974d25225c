"""Weights are fetched once, checked, and kept."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparseinst.errors import ConfigError, StorageError
from sparseinst.storage.weights import fetch_weights
from tests.conftest import ROOT
from tests.storage.file_server import FileServer

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAMED = f"r50-{DIGEST[:8]}.pth"


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SPARSEINST_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("sparseinst.storage.download._FIRST_WAIT_S", 0.0)


@pytest.fixture
def server():
    with FileServer() as server:
        server.files = {"w.pth": CONTENT, NAMED: CONTENT, "other/w.pth": b"other"}
        yield server


def test_a_local_path_is_given_back_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("w-00000000.pth").write_bytes(CONTENT)
    assert fetch_weights("w-00000000.pth") == Path("w-00000000.pth")
    assert fetch_weights(f"w-00000000.pth#sha256={DIGEST}") == Path("w-00000000.pth")
    with pytest.raises(StorageError, match="another hash"):
        fetch_weights("w-00000000.pth#sha256=00000000")


@pytest.mark.parametrize("name", ["absent.pth", ".", ""])
def test_a_local_path_without_a_file_is_told(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match="no such file"):
        fetch_weights(name)


def test_what_was_fetched_once_is_there_without_a_server(server, tmp_path):
    places = [server.url("w.pth"), server.url(NAMED), server.url(f"w.pth#sha256={DIGEST}")]
    paths = [fetch_weights(place) for place in places]
    assert [path.name for path in paths] == ["w.pth", NAMED, "w.pth"]
    assert all(path.read_bytes() == CONTENT and tmp_path / "cache" / "weights" in path.parents for path in paths)
    assert len(server.requests) == 2
    assert [fetch_weights(place) for place in places] == paths
    assert len(server.requests) == 2


def test_equal_names_from_different_places_do_not_meet(server):
    assert fetch_weights(server.url("w.pth")).read_bytes() == CONTENT
    assert fetch_weights(server.url("other/w.pth")).read_bytes() == b"other"


@pytest.mark.parametrize("name", ["w.pth", NAMED, f"w.pth#sha256={DIGEST[:10]}"])
def test_a_damaged_cache_mends_itself(server, name):
    path = fetch_weights(server.url(name))
    path.write_bytes(CONTENT[:-1])
    assert fetch_weights(server.url(name)) == path
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_the_hash_in_the_name_is_checked(server):
    server.files[NAMED] = b"something else"
    with pytest.raises(StorageError, match="not the one") as caught:
        fetch_weights(server.url(NAMED))
    assert DIGEST[:8] in str(caught.value)


def test_the_hash_behind_the_place_is_checked_and_beats_the_name(server):
    server.files["w-00000000.pth"] = CONTENT
    assert fetch_weights(server.url(f"w-00000000.pth#sha256={DIGEST.upper()}")).read_bytes() == CONTENT
    with pytest.raises(StorageError, match="not the one"):
        fetch_weights(server.url("w-00000000.pth"))


@pytest.mark.parametrize(
    "name", ["w-20260701.pth", "w-v1.pth", "w-0123abc.pth", "w-abcdefgh.pth", "a-00000000.b-1.pth"]
)
def test_a_name_that_carries_no_hash_is_taken_on_trust(server, name):
    server.files[name] = CONTENT
    assert fetch_weights(server.url(name)).read_bytes() == CONTENT


@pytest.mark.parametrize("digest", ["", "0123abc", "nothex00", DIGEST + "0"])
def test_a_hash_that_is_none_is_refused(digest):
    with pytest.raises(ConfigError, match="not a SHA-256"):
        fetch_weights(f"https://example.org/w.pth#sha256={digest}")


def test_weights_without_a_hash_tell_theirs_so_that_it_can_be_pinned(server, caplog):
    caplog.set_level(logging.INFO, "sparseinst")
    path = fetch_weights(server.url("w.pth"))
    fetch_weights(server.url(NAMED))
    assert path.with_name("w.pth.sha256").read_text() == f"{DIGEST}  w.pth\n"
    (pin,) = [word for word in caplog.text.split() if word.startswith("#sha256=")]
    assert fetch_weights(server.url("w.pth" + pin)) == path
    assert len(server.requests) == 2


def test_a_mirror_folder_is_asked_in_place_of_web_servers(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARSEINST_MIRROR", str(tmp_path))
    (tmp_path / NAMED).write_bytes(CONTENT)
    assert fetch_weights(f"https://example.invalid/a/b/{NAMED}?download=1") == tmp_path / NAMED
    (tmp_path / NAMED).write_bytes(b"something else")
    with pytest.raises(StorageError, match="another hash"):
        fetch_weights(f"https://example.invalid/a/b/{NAMED}")
    with pytest.raises(StorageError, match="no such file") as caught:
        fetch_weights("https://example.invalid/absent.pth")
    assert caught.value.where == str(tmp_path / "absent.pth")


def test_a_mirror_server_is_asked_in_place_of_others(server, monkeypatch):
    monkeypatch.setenv("SPARSEINST_MIRROR", server.url("mirror/"))
    server.files = {f"mirror/{NAMED}": CONTENT, "mirror/w%201.pth": CONTENT}
    assert fetch_weights(f"https://example.invalid/a/{NAMED}").read_bytes() == CONTENT
    assert fetch_weights("https://example.invalid/a/w%201.pth").name == "w 1.pth"
    server.files[f"mirror/{NAMED}"] = b"something else"
    with pytest.raises(StorageError, match="not the one"):
        fetch_weights(f"https://example.invalid/b/{NAMED}")
    with pytest.raises(StorageError, match="no such file") as caught:
        fetch_weights("https://example.invalid/absent.pth")
    assert caught.value.where == server.url("mirror/absent.pth")


def test_what_the_cache_holds_needs_no_mirror(server, monkeypatch):
    path = fetch_weights(server.url(NAMED))
    monkeypatch.setenv("SPARSEINST_MIRROR", "/nowhere")
    assert fetch_weights(server.url(NAMED)) == path


def test_a_mirror_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("SPARSEINST_MIRROR", "ftp://mirror")
    with pytest.raises(ConfigError, match="ftp") as caught:
        fetch_weights("https://example.invalid/w.pth")
    assert caught.value.where == "SPARSEINST_MIRROR"


@pytest.mark.parametrize("mirrored", [True, False])
def test_without_a_network_the_ways_out_are_told(server, monkeypatch, mirrored):
    if mirrored:
        monkeypatch.setenv("SPARSEINST_MIRROR", server.url("mirror"))
    server.statuses = [503] * 5
    with pytest.raises(StorageError) as caught:
        fetch_weights(server.url("w.pth"))
    assert "SPARSEINST_MIRROR" in caught.value.fix and "train.weights=none" in caught.value.fix


@pytest.mark.parametrize("place", ["ftp://example.org/w.pth", "gs://bucket/w.pth", "file:///w.pth"])
def test_another_kind_of_place_is_refused(place):
    with pytest.raises(ConfigError, match="cannot be fetched") as caught:
        fetch_weights(place)
    assert caught.value.where == place
    assert "s3://" in caught.value.fix and "https://" in caught.value.fix


@pytest.mark.parametrize(
    "place", ["https://h", "https://h/", "https:///w", "https://h/a/..", "s3://b", "s3:///k", "s3://b/k/"]
)
def test_a_place_that_names_no_file_is_refused(place):
    with pytest.raises(ConfigError, match="names no file"):
        fetch_weights(place)


def test_the_cache_is_where_the_environment_says(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SPARSEINST_CACHE")
    assert tmp_path / "xdg" / "sparseinst" / "weights" in fetch_weights(server.url("w.pth")).parents
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert tmp_path / "home" / ".cache" / "sparseinst" / "weights" in fetch_weights(server.url("w.pth")).parents


def test_a_cache_that_cannot_be_written_names_the_setting(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError) as caught:
        fetch_weights(server.url("w.pth"))
    assert "SPARSEINST_CACHE" in caught.value.fix


def test_a_local_path_needs_no_heavy_package(tmp_path):
    (tmp_path / "w.pth").touch()
    code = "import sys; from sparseinst.storage.weights import fetch_weights; fetch_weights(sys.argv[1]); "
    code += "assert not {'torch', 'boto3', 'requests', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "w.pth")], cwd=ROOT, env=dict(os.environ), check=True)
