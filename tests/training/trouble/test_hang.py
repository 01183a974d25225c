"""A run that hangs is ended, with the stacks of all threads; a rank that dies takes the others with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.training.recipe import command, iterations, recipe, start, wait_until

HANG = """
import sys, time
from pathlib import Path
from sparseinst.training.trouble.watchdog import Watchdog
with Watchdog(0.01, Path(sys.argv[1]), rank=3) as dog:
    for _ in range(10):
        dog.beat("training")
        time.sleep(0.1)  # longer than the limit altogether, never at once
    print("lived", flush=True)
    dog.beat("waiting for nothing")
    time.sleep(60)
"""


def test_without_a_beat_the_process_ends_and_says_where_it_was(tmp_path: Path) -> None:
    stacks = tmp_path / "stacks" / "rank-3.txt"
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", HANG, str(stacks)], capture_output=True, text=True, timeout=60)
    assert time.monotonic() - begin < 50
    assert done.stdout.strip() == "lived"
    assert done.returncode == 4
    assert "Nothing moved for 0.01 minutes while waiting for nothing" in done.stderr
    assert "rank 3" in done.stderr
    assert "time.sleep(60)" in stacks.read_text() or "line 11" in stacks.read_text()


def test_a_run_whose_storage_hangs_is_ended_in_time(data: Path, tmp_path: Path) -> None:
    """A pipe without a writer: whoever opens it waits in the kernel for ever."""
    image = next((data / "images" / "train").glob("*"))
    image.unlink()
    os.mkfifo(image)
    output = tmp_path / "run"
    begin = time.monotonic()
    process = start(command(data, output, recipe(iterations=1000, watchdog_minutes=0.05)))
    _, messages = process.communicate(timeout=90)
    assert process.returncode == 4, messages
    assert time.monotonic() - begin < 60
    assert "Nothing moved for 0.05 minutes while" in messages
    assert "feed.py" in (output / "stacks" / "rank-0.txt").read_text()


@pytest.mark.parametrize("killed", [0, 1])
def test_a_rank_that_dies_takes_the_job_down_within_a_minute(sample: Path, tmp_path: Path, killed: int) -> None:
    output = tmp_path / "run"
    process = start(command(sample, output, recipe(iterations=100_000, checkpoint_every=5), "--nproc", "2"))
    wait_until(lambda: iterations(output) > 6, process)
    ranks = {}
    for one in psutil.Process(process.pid).children(recursive=True):
        if one.environ().get("RANK"):
            ranks[int(one.environ()["RANK"])] = one
    begin = time.monotonic()
    ranks[killed].send_signal(signal.SIGKILL)
    _, messages = process.communicate(timeout=90)
    assert time.monotonic() - begin < 60
    assert process.returncode == 4, messages
    assert "goes on from the last saved state" in messages
    assert "Traceback" not in messages
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in ranks.values())
    assert json.loads((output / "metrics.jsonl").read_text().splitlines()[5])["iteration"] == 6
