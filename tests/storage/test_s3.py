"""What only a bucket can get wrong: the server, the credentials, the bucket itself."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from sparseinst.errors import StorageError
from sparseinst.storage import open_storage

pytestmark = pytest.mark.stack


def test_a_bucket_that_does_not_exist_is_named(s3_uri: str):
    storage = open_storage("s3://nobodys-bucket/x")
    for use in (lambda: storage.list(), lambda: storage.read_bytes("k")):
        with pytest.raises(StorageError, match="bucket") as caught:
            use()
        assert "nobodys-bucket" in caught.value.where
        assert caught.value.fix


def test_a_wrong_secret_is_refused_and_explained(s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    storage = open_storage(s3_uri)
    (tmp_path / "file").write_text("x")
    for use in (
        lambda: storage.list(),
        lambda: storage.write_bytes("k", b""),
        lambda: storage.exists("k"),
        lambda: storage.upload(tmp_path / "file", "k"),
    ):
        with pytest.raises(StorageError) as caught:
            use()
        assert "AWS_SECRET_ACCESS_KEY" in caught.value.fix


def test_an_unknown_access_key_is_refused_and_explained(s3_uri: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(StorageError, match="access key") as caught:
        open_storage(s3_uri).list()
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix


def test_no_credentials_at_all_are_explained(s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageError, match="no S3 credentials"):
        open_storage(s3_uri).list()


def test_a_server_that_is_not_there_is_named(s3_uri: str, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageError, match="does not answer") as caught:
        open_storage(s3_uri).list()
    assert "127.0.0.1" in caught.value.where


def test_more_files_than_one_answer_holds_are_listed_and_deleted(s3_uri: str, tmp_path: Path):
    for number in range(1005):
        (tmp_path / f"{number:04d}").touch()
    storage = open_storage(s3_uri)
    storage.copy_in(tmp_path, "many", workers=16)
    assert len(storage.list("many")) == 1005
    storage.delete_prefix("many")
    assert storage.list("many") == []
