"""Weights in a bucket come by the same downloader as those on a web server, and its messages hold no signature."""

from __future__ import annotations

import hashlib
import socket

import pytest
import requests

from sparseinst.errors import StorageError
from sparseinst.storage import open_storage
from sparseinst.storage.weights import fetch_weights

pytestmark = pytest.mark.stack

CONTENT = bytes(range(251)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(s3_uri, tmp_path, monkeypatch):
    """A place in the bucket with one file of weights."""
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path))
    monkeypatch.delenv("SPARSEINST_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("sparseinst.storage.download._FIRST_WAIT_S", 0.0)
    open_storage(s3_uri).write_bytes("w 1.pth", CONTENT)
    return s3_uri


def test_weights_in_a_bucket_are_fetched_once(folder, monkeypatch):
    path = fetch_weights(f"{folder}/w 1.pth#sha256={DIGEST}")
    assert path.name == "w 1.pth"
    assert path.read_bytes() == CONTENT
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert fetch_weights(f"{folder}/w 1.pth") == path


def test_a_bucket_sends_only_the_rest(folder, monkeypatch):
    path = fetch_weights(f"{folder}/w 1.pth")
    with requests.get(open_storage(folder).url("w 1.pth")) as answer:
        path.with_name(".w 1.pth.part.version").write_text(answer.headers["ETag"])
    path.with_name(".w 1.pth.part").write_bytes(CONTENT[:100_000])
    path.unlink()
    answers = []
    get = requests.get

    def watched(*args, **kwargs):
        answers.append(get(*args, **kwargs))
        return answers[-1]

    monkeypatch.setattr(requests, "get", watched)
    assert fetch_weights(f"{folder}/w 1.pth") == path
    assert path.read_bytes() == CONTENT
    assert [(answer.status_code, answer.headers["Content-Length"]) for answer in answers] == [(206, "402000")]


def test_a_bucket_can_be_the_mirror(folder, monkeypatch):
    monkeypatch.setenv("SPARSEINST_MIRROR", folder)
    assert fetch_weights("https://example.invalid/a/w%201.pth").read_bytes() == CONTENT


def test_weights_that_are_not_in_the_bucket_are_named(folder):
    with pytest.raises(StorageError, match="no file") as caught:
        fetch_weights(f"{folder}/absent.pth")
    assert f"{folder}/absent.pth" in caught.value.where


def test_a_wrong_secret_is_refused_and_explained(folder, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageError) as caught:
        fetch_weights(f"{folder}/w 1.pth")
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.fix


def test_a_bucket_that_is_not_there_is_named(folder, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(StorageError, match="does not answer"):
            fetch_weights(f"{folder}/w 1.pth")


def test_no_message_shows_the_signed_url(folder, monkeypatch, caplog):
    signed = open_storage(folder).url("w 1.pth")
    assert "X-Amz-Signature" in signed
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{unused.getsockname()[1]}/?{signed.partition('?')[2]}"
        monkeypatch.setattr("sparseinst.storage.s3.S3Storage.url", lambda *_: gone)
        with pytest.raises(StorageError, match="refused") as caught:
            fetch_weights(f"{folder}/w 1.pth")
    assert caught.value.where == f"{folder}/w 1.pth"
    assert caplog.text.count("trying again") == 4
    assert "X-Amz" not in str(caught.value) + caplog.text
