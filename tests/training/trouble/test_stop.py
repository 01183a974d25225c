"""A run that is told to stop saves its state at the end of a step, whatever it is doing, and ends with code 75."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from sparseinst.errors import ConfigError, Preempted
from sparseinst.evaluation.predictors.eager import EagerPredictor
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.order import Surroundings
from sparseinst.training.train import train
from sparseinst.training.trouble.stop import StopRequest, seconds_of
from tests.training.recipe import assert_same_run, command, iterations, losses, newest_state, recipe, start, wait_until


def events(output: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (output / "events.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("11h30m", 41400), ("45", 45), ("1.5h", 5400), ("", 0)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "5 minutes", "-3", "5mm", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no duration"):
        seconds_of(text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_a_question_and_afterwards_what_it_was_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert not stop.asked
        os.kill(os.getpid(), number)
        assert stop.asked
        assert stop.reason == number.name
    assert signal.getsignal(number) is before


def test_a_deadline_ends_the_run_in_time_and_the_next_one_goes_on(sample: Path, tmp_path: Path) -> None:
    config = recipe(iterations=100_000, max_minutes=1.0)
    begin = time.monotonic()
    with pytest.raises(Preempted, match="the deadline"):
        train(sample, tmp_path, config, Surroundings(deadline_s=1.5))
    assert time.monotonic() - begin < 30
    reached = load_checkpoint(newest_state(tmp_path)).iteration
    assert reached > 0
    with pytest.raises(Preempted):
        train(sample, tmp_path, config, Surroundings(deadline_s=1.5))
    assert load_checkpoint(newest_state(tmp_path)).iteration > reached
    assert events(tmp_path) == ["preempted", "resumed", "preempted"]


def test_a_signal_before_the_first_step_is_heard(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(Preempted, match="at iteration 0 of 6"):
        train(sample, tmp_path, recipe(), Surroundings(deadline_s=1e-9))
    train(sample, tmp_path, recipe())
    assert len(losses(tmp_path)) == 6


def test_a_signal_during_an_evaluation_is_heard_and_the_evaluation_made_up_for(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = recipe(eval_every=3)
    train(sample, tmp_path / "whole", config)
    honest = EagerPredictor.__init__

    def signalled(self: EagerPredictor, *arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        honest(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(EagerPredictor, "__init__", signalled)
        with pytest.raises(Preempted, match="SIGTERM at iteration 3 of 6"):
            train(sample, tmp_path / "stopped", config)
    assert iterations(tmp_path / "stopped") == 3  # no line of an evaluation
    train(sample, tmp_path / "stopped", config)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_a_signal_while_images_are_waited_for_is_heard(sample: Path, tmp_path: Path) -> None:
    """An image that never comes: the loader waits in the kernel, and nobody could tell it anything."""
    image = next((sample / "images" / "train").glob("*"))
    content = image.read_bytes()
    image.unlink()
    os.mkfifo(image)
    try:
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with pytest.raises(Preempted, match="SIGTERM"):
            train(sample, tmp_path, recipe())
    finally:
        with image.open("wb") as pipe:  # the loader's thread wakes up
            pipe.write(content)
        image.unlink()
        image.write_bytes(content)


@pytest.mark.parametrize("ranks", [1, 2])
def test_one_rank_that_hears_a_signal_stops_all_of_them(sample: Path, tmp_path: Path, ranks: int) -> None:
    """Slurm tells the ranks themselves, not the process that started them."""
    import psutil

    output = tmp_path / "run"
    process = start(command(sample, output, recipe(iterations=100_000), "--nproc", str(ranks)))
    wait_until(lambda: iterations(output) > 2, process)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    last = [one for one in family if one.environ().get("RANK", "0") == str(ranks - 1) and "-m" in one.cmdline()][-1]
    last.send_signal(signal.SIGUSR1)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 75, messages
    assert messages.count("Stopped by SIGUSR1") == 1, messages  # one voice, not one a rank
    assert "Traceback" not in messages
    assert load_checkpoint(newest_state(output)).iteration >= 2
