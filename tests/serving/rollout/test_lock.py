"""One rollout of a model at a time."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sparseinst.errors import DeployError
from sparseinst.serving.rollout.lock import rollout_lock
from sparseinst.storage import Storage, open_storage


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
    with pytest.raises(DeployError, match="process 1 on elsewhere"), rollout_lock(repository, "m", wait_s=0.6):
        pass
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


def test_a_lock_that_could_not_be_given_back_is_taken_by_the_next_rollout_of_the_same_process(repository: Storage):
    with rollout_lock(repository, "m"):
        content = repository.read_bytes("m.lock")
    repository.write_bytes("m.lock", content)  # as if the repository had been away at the end
    with rollout_lock(repository, "m") as check:
        check()
    assert repository.list() == []


def test_a_rollout_that_takes_long_renews_its_lock(repository: Storage, monkeypatch: pytest.MonkeyPatch):
    with rollout_lock(repository, "m") as check:
        until = json.loads(repository.read_bytes("m.lock"))["until"]
        check()
        assert json.loads(repository.read_bytes("m.lock"))["until"] == until
        monkeypatch.setattr(time, "time", lambda: until - 60)
        check()
        assert json.loads(repository.read_bytes("m.lock"))["until"] > until


def test_a_rollout_can_wait_for_another_one(repository: Storage):
    def hold() -> bool:
        with rollout_lock(repository, "m", wait_s=60) as check:
            check()
            return repository.exists("m.lock")

    with ThreadPoolExecutor(1) as pool:
        with rollout_lock(repository, "m"):
            waiting = pool.submit(hold)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.1)
        assert waiting.result()
    assert repository.list() == []
