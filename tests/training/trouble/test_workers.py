"""A loader's process that is killed is replaced, and the run computes what it would have computed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from sparseinst.errors import TrainingError
from sparseinst.training.train import train
from sparseinst.training.trouble import feed as feed_module
from tests.training.recipe import assert_same_run, recipe


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch looks after its workers every five seconds; here more often."""
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2)


@contextmanager
def killer(times: int) -> Iterator[list[int]]:
    """Kills this process's new children as soon as they come, so many times."""
    killed: list[int] = []
    others = {child.pid for child in psutil.Process().children()}  # servers of other tests, say
    done = threading.Event()

    def look() -> None:
        while not done.is_set() and len(killed) < times:
            for child in psutil.Process().children():
                if child.pid not in {*killed, *others} and len(killed) < times:
                    with suppress(ProcessLookupError):  # it may just have ended by itself
                        os.kill(child.pid, signal.SIGKILL)
                        killed.append(child.pid)
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


def test_a_killed_worker_is_replaced_and_nothing_changes(sample: Path, tmp_path: Path) -> None:
    train(sample, tmp_path / "whole", recipe(workers=1))
    with killer(times=1) as killed:
        train(sample, tmp_path / "killed", recipe(workers=1))
    assert len(killed) == 1
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    told = [json.loads(line) for line in (tmp_path / "killed" / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in told] == ["worker_restarted"]


def test_workers_that_keep_dying_end_the_run_with_the_usual_reasons(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_FIRST_PAUSE_S", 0.01)
    with killer(times=20), pytest.raises(TrainingError, match="died 4 times in a row") as caught:
        train(sample, tmp_path, recipe(workers=1))
    assert "/dev/shm" in caught.value.fix
    assert list((tmp_path / "state").glob("*.pt"))  # saved before it ended
