"""A run's folder in a real S3 bucket, as steps on several machines use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sparseinst.errors import StorageError
from sparseinst.storage import open_storage
from sparseinst.workspace import fetch, open_workspace, run_folder
from sparseinst.workspace import pull as pull_module
from tests.conftest import ROOT

pytestmark = pytest.mark.stack

Machine = Callable[[str], Path]
FILES = {"manifest.json": b"{}", "images/a b.jpg": b"a" * 3000, "images/deep/ü.jpg": b"", "annotations/val.json": b"[]"}


def make(uri: str, files: dict[str, bytes], name: str = "dataset") -> None:
    with open_workspace(uri).make(name) as output:
        for inner, content in files.items():
            path = output / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_one_machine_makes_another_one_fetches(s3_uri: str, machine: Machine) -> None:
    machine("one")
    make(s3_uri, FILES)
    scratch = machine("other")
    folder = fetch(open_workspace(s3_uri).at("dataset"))
    assert folder.is_relative_to(scratch)
    assert held(folder) == FILES


def test_some_files_may_be_enough(s3_uri: str, machine: Machine) -> None:
    machine("one")
    make(s3_uri, FILES)
    machine("other")
    assert held(open_workspace(s3_uri).fetch("dataset", only=("manifest.json",))) == {"manifest.json": b"{}"}
    with pytest.raises(StorageError):
        open_workspace(s3_uri).fetch("dataset", only=("none.json",))
    assert held(open_workspace(s3_uri).fetch("dataset")) == FILES  # and all of them later


def test_hidden_files_and_those_kept_apart_stay_where_they_are(s3_uri: str, machine: Machine) -> None:
    machine("one")
    with open_workspace(s3_uri).make("train", apart=("state", "best.pt")) as output:
        for inner in ("checkpoint.pt", ".lock", "state/1.pt", "best.pt", "logs/best.pt"):
            (output / inner).parent.mkdir(parents=True, exist_ok=True)
            (output / inner).write_bytes(b"x")
    machine("other")
    assert set(held(open_workspace(s3_uri).fetch("train"))) == {"checkpoint.pt", "logs/best.pt"}


def test_a_part_whose_step_failed_is_kept_for_its_next_attempt_and_for_nobody_else(
    s3_uri: str, machine: Machine
) -> None:
    machine("one")
    with pytest.raises(ZeroDivisionError), open_workspace(s3_uri).make("train") as output:
        output.mkdir()
        (output / "half").write_bytes(b"half")
        1 / 0  # noqa: B018
    machine("other")
    with pytest.raises(StorageError) as refused:
        open_workspace(s3_uri).fetch("train")
    assert "did not end well" in refused.value.problem
    with open_workspace(s3_uri).make("train") as output:
        assert held(output) == {"half": b"half"}
        (output / "half").unlink()
        (output / "whole").write_bytes(b"whole")
    machine("third")
    assert held(open_workspace(s3_uri).fetch("train")) == {"whole": b"whole"}


def test_a_part_that_no_step_has_made_is_named_with_the_way_out(s3_uri: str, machine: Machine) -> None:
    machine("one")
    with pytest.raises(StorageError) as refused:
        fetch(f"{s3_uri}/gate")
    assert "'gate'" in refused.value.problem
    assert refused.value.where == f"{s3_uri}/gate"
    assert refused.value.fix


def test_only_what_has_changed_is_copied_again(s3_uri: str, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparseinst.storage.s3 import S3Storage

    machine("one")
    make(s3_uri, FILES)
    uploaded, honest = [], S3Storage.upload

    def upload(self: S3Storage, path: Path, key: str) -> None:
        uploaded.append(key)
        honest(self, path, key)

    monkeypatch.setattr(S3Storage, "upload", upload)
    machine("other")
    make(s3_uri, {"annotations/val.json": b"[1]"})
    assert uploaded == ["dataset/annotations/val.json"]
    assert held(fetch(f"{s3_uri}/dataset")) == {**FILES, "annotations/val.json": b"[1]"}


def test_who_begins_anew_fetches_nothing_and_leaves_nothing_old(s3_uri: str, machine: Machine) -> None:
    machine("one")
    make(s3_uri, FILES)
    machine("other")
    with open_workspace(s3_uri).make("dataset", anew=True) as output:
        assert not output.exists()
        output.mkdir()
        (output / "manifest.json").write_bytes(b"new")
    machine("third")
    assert held(fetch(f"{s3_uri}/dataset")) == {"manifest.json": b"new"}
    assert open_storage(s3_uri).list("dataset") == ["dataset/manifest.json"]


def test_what_an_attempt_changed_here_and_never_brought_back_is_nothing_that_others_get(
    s3_uri: str, machine: Machine
) -> None:
    machine("one")
    make(s3_uri, FILES)
    attempt = open_workspace(s3_uri).make("dataset")
    output = attempt.__enter__()
    (output / "manifest.json").write_bytes(b"[]")  # of the same length; and then its process is killed
    assert held(fetch(f"{s3_uri}/dataset")) == FILES


@pytest.mark.parametrize("when", ["before the first file", "before the list"])
def test_a_step_that_is_killed_while_it_copies_leaves_nothing_half_written(
    s3_uri: str, machine: Machine, when: str
) -> None:
    machine("one")
    make(s3_uri, FILES)
    code = f"""
import os
from pathlib import Path
from sparseinst.workspace import open_workspace, push
honest, count = push._write_list, 0
def dying(*args):
    global count
    count += 1
    if count == {1 if when == "before the first file" else 2}:
        os.kill(os.getpid(), 9)
    honest(*args)
push._write_list = dying
with open_workspace({s3_uri!r}).make("dataset") as output:
    (output / "manifest.json").write_text("new")
    (output / "images/a b.jpg").unlink()
"""
    environment = {**os.environ, "SPARSEINST_SCRATCH": str(machine("two"))}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    machine("third")
    if when == "before the first file":
        assert held(fetch(f"{s3_uri}/dataset")) == FILES
    else:
        with pytest.raises(StorageError):
            fetch(f"{s3_uri}/dataset")
    make(s3_uri, {})  # the next attempt ends well, and changes nothing
    kept = {*FILES} if when == "before the first file" else {*FILES} - {"manifest.json", "images/a b.jpg"}
    assert set(held(fetch(f"{s3_uri}/dataset"))) == kept


def test_a_file_that_is_not_what_the_step_wrote_is_found(s3_uri: str, machine: Machine) -> None:
    machine("one")
    make(s3_uri, FILES)
    open_storage(s3_uri).write_bytes("dataset/images/a b.jpg", b"b" * 3000)
    machine("other")
    with pytest.raises(StorageError, match="not what the step wrote"):
        fetch(f"{s3_uri}/dataset")


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out"])
def test_a_list_that_names_files_elsewhere_is_refused(s3_uri: str, machine: Machine, name: str) -> None:
    scratch = machine("one")
    told = {"whole": True, "files": {name: [1, "0" * 64]}}
    open_storage(s3_uri).write_bytes("dataset.files.json", json.dumps(told).encode())
    with pytest.raises(StorageError, match="outside its folder"):
        fetch(f"{s3_uri}/dataset")
    assert not list(scratch.rglob("out"))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"files": {"a": 1}, "whole": true}', b"\xff"])
def test_a_list_that_is_none_is_an_error_with_its_place(s3_uri: str, machine: Machine, content: bytes) -> None:
    machine("one")
    open_storage(s3_uri).write_bytes("dataset.files.json", content)
    with pytest.raises(StorageError) as refused:
        fetch(f"{s3_uri}/dataset")
    assert refused.value.where == f"{s3_uri}/dataset.files.json"


def test_files_that_are_here_are_fetched_once_and_hashed_once(
    s3_uri: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("one")
    make(s3_uri, FILES)
    machine("other")
    folder = fetch(f"{s3_uri}/dataset")
    with monkeypatch.context() as patch:
        patch.setattr(pull_module, "fetch_object", None)
        patch.setattr(pull_module, "sha256_of_file", None)
        assert fetch(f"{s3_uri}/dataset") == folder
    (folder / "annotations/val.json").unlink()
    (folder / "manifest.json").write_bytes(b"longer")
    assert held(fetch(f"{s3_uri}/dataset")) == FILES


def test_a_fetch_goes_on_from_what_an_earlier_one_brought(
    s3_uri: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("one")
    make(s3_uri, FILES)
    machine("other")
    honest, asked = pull_module.fetch_object, []

    def breaks(storage: object, entry: object, path: Path, *rest: object) -> None:
        asked.append(path.name)
        if path.name == "manifest.json":
            raise StorageError("The server does not answer.")
        honest(storage, entry, path, *rest)

    monkeypatch.setattr(pull_module, "_FILES_AT_A_TIME", 1)
    monkeypatch.setattr(pull_module, "fetch_object", breaks)
    with pytest.raises(StorageError, match="does not answer"):
        fetch(f"{s3_uri}/dataset")
    assert "a b.jpg" in asked
    asked.clear()
    monkeypatch.setattr(pull_module, "fetch_object", lambda *rest: (asked.append(rest[2].name), honest(*rest))[1])
    assert held(fetch(f"{s3_uri}/dataset")) == FILES
    assert "a b.jpg" not in asked


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    s3_uri: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    machine("one")
    make(s3_uri, FILES)
    machine("other")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(StorageError, match="not enough free space"):
        fetch(f"{s3_uri}/dataset")


def test_two_runs_share_no_local_folder_and_a_run_is_named_by_its_id(s3_uri: str, machine: Machine) -> None:
    machine("one")
    folders = [run_folder(f"{s3_uri}/{{run}}/", run) for run in ("run-1", "run-2")]
    assert folders == [f"{s3_uri}/run-1", f"{s3_uri}/run-2"]
    places = [open_workspace(folder) for folder in folders]
    assert places[0].local("train") != places[1].local("train")


def test_a_scratch_that_cannot_be_written_says_which_variable_to_set(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARSEINST_SCRATCH", str(tmp_path / "file" / "below"))
    with pytest.raises(StorageError, match="no folder for local copies") as refused:
        open_workspace(s3_uri)
    assert "SPARSEINST_SCRATCH" in refused.value.fix
