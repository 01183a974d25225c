"""A training run ends with a checkpoint, survives being stopped, and does not depend on the number of ranks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from sparseinst.config import RunConfig
from sparseinst.data.config import InputConfig
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.errors import ConfigError, DatasetError, Preempted, TrainingError
from sparseinst.manifest import read_manifest
from sparseinst.training import session as session_module
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.config import TrainConfig
from sparseinst.training.run import run_training
from sparseinst.training.train import train
from tests.tiny import TINY

INPUT = InputConfig(train_short_sides=(48, 64), train_longest_side=96, short_side=64, longest_side=96, workers=0)


def settings(**train_settings: object) -> RunConfig:
    values = {"iterations": 6, "batch_size": 4, "lr": 1e-3, "warmup_iterations": 2, "log_every": 1, **train_settings}
    return RunConfig(model=TINY, input=INPUT, train=TrainConfig(**values))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sample"
    ingest("sample", folder, IngestSettings(train_images=12, val_images=4, version="md5:12.dir"))
    return folder


def losses(output: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (output / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_checkpoint_its_lineage_and_its_curve(data: Path, tmp_path: Path) -> None:
    result = train(data, tmp_path, settings(iterations=30, lr=3e-3, ema_decay=0.5, precision="bf16"))
    checkpoint = load_checkpoint(result.checkpoint)
    assert [category.name for category in checkpoint.categories] == ["disc", "triangle", "cross", "ring"]
    assert checkpoint.iteration == 30
    manifest = read_manifest(tmp_path)
    assert manifest["inputs"]["dataset"] == read_manifest(data)["id"] == checkpoint.data.id
    assert manifest["inputs"]["data_version"] == read_manifest(data)["source"]["version"] == "md5:12.dir"
    assert checkpoint.data.version == "md5:12.dir"
    assert manifest["files"]["checkpoint.pt"] == checkpoint.sha256
    curve = losses(tmp_path)
    assert len(curve) == 30
    assert sum(curve[-5:]) < 0.8 * sum(curve[:5])
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_stopped_run_goes_on_to_the_same_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings(ema_decay=0.9, clip_gradient_norm=1.0)
    train(data, tmp_path / "whole", config)

    class StopAtThree:
        asked = 0

        @property
        def came(self) -> bool:
            self.asked += 1
            return self.asked == 3

    with monkeypatch.context() as patch:
        patch.setattr(session_module, "StopSignal", StopAtThree)
        with pytest.raises(Preempted, match="iteration 3"):
            train(data, tmp_path / "stopped", config)
    assert not (tmp_path / "stopped" / "checkpoint.pt").exists()
    train(data, tmp_path / "stopped", config)
    whole, stopped = (load_checkpoint(tmp_path / name / "checkpoint.pt").weights for name in ("whole", "stopped"))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)
    assert losses(tmp_path / "whole") == losses(tmp_path / "stopped")


@pytest.mark.parametrize("ranks", [1, 2])
def test_sigterm_saves_and_exits_with_75_and_the_same_command_goes_on(data: Path, tmp_path: Path, ranks: int) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(settings(iterations=100_000, max_minutes=0.15).to_dict()))
    output = tmp_path / "run"
    command = [sys.executable, "-m", "sparseinst", "train", "--data", str(data), "--output", str(output)]
    command += ["--config", str(config), "--nproc", str(ranks)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (output / "metrics.jsonl").exists() or not (output / "metrics.jsonl").stat().st_size:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 75, messages
    assert "Run the same command again" in messages
    reached = load_checkpoint(output / "last.pt").iteration
    assert reached > 0
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert f"resuming at iteration {reached}" in again.stderr
    assert load_checkpoint(output / "checkpoint.pt").iteration >= reached


def test_two_ranks_compute_what_one_computes(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(settings().to_dict()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run_training(data, tmp_path / "one", str(config), ranks=1)
    result = run_training(data, tmp_path / "two", str(config), ranks=2)
    assert result.iterations == 6
    assert read_manifest(tmp_path / "two")["facts"]["ranks"] == 2
    one, two = (load_checkpoint(tmp_path / name / "checkpoint.pt").weights for name in ("one", "two"))
    # The mask and objectness losses are means over a rank's own pairs (as published), so the ranks' mean differs a
    # little from the mean over the whole batch.
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=2e-2, rtol=0.1)


def test_a_failing_rank_fails_the_run(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="exit code"):
        run_training(data / "missing", tmp_path, "sample", ranks=2)


def test_an_output_of_another_configuration_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path, settings())
    with pytest.raises(ConfigError, match="another configuration"):
        train(data, tmp_path, settings(lr=2e-3))


def test_what_cannot_be_trained_is_said_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="ingest"):
        train(tmp_path / "nowhere", tmp_path / "run", settings())
    with pytest.raises(ConfigError, match="cannot be shared by 3 ranks"):
        run_training(data, tmp_path / "run", "sample", ranks=3)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_stays_non_finite_stops_the_run_with_advice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = session_module.Session.losses

    def broken(self: session_module.Session, raw: dict[str, torch.Tensor], examples: object) -> dict[str, torch.Tensor]:
        return {name: loss * float("nan") for name, loss in honest(self, raw, examples).items()}  # type: ignore[arg-type]

    monkeypatch.setattr(session_module.Session, "losses", broken)
    with pytest.raises(TrainingError, match="not finite for 20 iterations"):
        train(data, tmp_path, settings(iterations=100))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(os.urandom(100))
    with pytest.raises(Exception, match="cannot be read") as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)


def test_a_time_limit_squeezes_the_schedule_and_ends_with_a_checkpoint(data: Path, tmp_path: Path) -> None:
    result = train(data, tmp_path, settings(iterations=100_000, max_minutes=0.05, schedule="cosine"))
    assert 0 < result.iterations < 100_000
    assert load_checkpoint(result.checkpoint).iteration == result.iterations
    rates = [json.loads(line)["lr"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rates[-1] < 0.1 * max(rates)
