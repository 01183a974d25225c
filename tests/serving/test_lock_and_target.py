"""The pieces of a rollout that need no server: the lock, the versions that are kept."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from sparseinst.errors import DeployError
from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import compare
from sparseinst.serving.rollout.evidence import gather_evidence
from sparseinst.serving.rollout.exported import read_export
from sparseinst.serving.rollout.lock import rollout_lock
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import Storage, open_storage
from tests.serving import tiny


@pytest.fixture
def repository(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "models"))


def holder(**changes: object) -> bytes:
    lock = {"token": "other", "machine": "elsewhere", "pid": 1, "process_started": 0.0, "until": time.time() + 60}
    return json.dumps(lock | changes).encode()


def test_a_lock_is_held_until_the_end_of_the_block_even_when_it_fails(repository: Storage):
    with pytest.raises(ZeroDivisionError), rollout_lock(repository, "m") as check:
        check()
        with pytest.raises(DeployError, match=f"process {os.getpid()}"), rollout_lock(repository, "m"):
            pass
        with rollout_lock(repository, "another"):
            pass
        raise ZeroDivisionError
    assert repository.list() == []


def test_a_lock_of_another_machine_holds_until_its_time_is_over(repository: Storage):
    repository.write_bytes("m.lock", holder())
    with pytest.raises(DeployError, match="process 1 on elsewhere") as held, rollout_lock(repository, "m"):
        pass
    assert "delete this file" in held.value.fix
    repository.write_bytes("m.lock", holder(until=time.time() - 1))
    with rollout_lock(repository, "m") as check:
        check()
    assert repository.list() == []


def test_a_lock_that_cannot_be_read_is_taken(repository: Storage):
    repository.write_bytes("m.lock", b"{")
    with rollout_lock(repository, "m") as check:
        check()


def test_a_lock_that_another_took_is_noticed_and_left_to_it(repository: Storage):
    with rollout_lock(repository, "m") as check:
        repository.write_bytes("m.lock", holder())
        with pytest.raises(DeployError, match="took the lock"):
            check()
    assert repository.exists("m.lock")


def test_the_version_in_service_and_the_last_two_others_are_kept(repository: Storage, tmp_path: Path):
    export = read_export(tiny.write_export(tmp_path / "export", "m"))
    target = Target(repository, "m")
    assert (target.versions(), target.current()) == ([], None)
    for version in (1, 2, 3, 10, 11):
        target.put(version, export, gather_evidence(export, None, None))
    assert target.current() is None, "what is only uploaded is not served"
    target.commit(2)
    assert target.current() == 2
    assert target.prune(2) == [1, 3]
    assert target.versions() == [2, 10, 11]
    parts = ("config.pbtxt", f"export-{export.id[:12]}.manifest.json", "golden.npz", "labels.txt", "manifest.json")
    assert repository.list("m/2") == [f"m/2/{file}" for file in (*parts, "model.pt")]


def test_two_empty_answers_are_equal():
    nothing = Instances(np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 8, 8), bool))
    assert compare(nothing, nothing).is_within_tolerance
