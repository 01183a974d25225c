"""A training run ends with a checkpoint, survives being stopped, and does not depend on the number of ranks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sparseinst.errors import ConfigError, DatasetError
from sparseinst.manifest import read_manifest
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.run import run_training
from sparseinst.training.train import train
from tests.training.recipe import losses, recipe


def test_a_run_leaves_a_checkpoint_its_lineage_and_its_curve(sample: Path, tmp_path: Path) -> None:
    result = train(sample, tmp_path, recipe(iterations=30, lr=3e-3, ema_decay=0.5, precision="bf16"))
    checkpoint = load_checkpoint(result.checkpoint)
    assert [category.name for category in checkpoint.categories] == ["disc", "triangle", "cross", "ring"]
    assert checkpoint.iteration == 30
    manifest = read_manifest(tmp_path)
    assert manifest["inputs"]["dataset"] == read_manifest(sample)["id"] == checkpoint.data.id
    assert manifest["inputs"]["data_version"] == read_manifest(sample)["source"]["version"] == "md5:12.dir"
    assert checkpoint.data.version == "md5:12.dir"
    assert manifest["files"]["checkpoint.pt"] == checkpoint.sha256
    curve = losses(tmp_path)
    assert len(curve) == 30
    assert sum(curve[-5:]) < 0.8 * sum(curve[:5])
    assert list((tmp_path / "tensorboard").iterdir())


def test_what_a_rank_ends_with_is_what_the_run_ends_with(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="ingest"):
        run_training(sample / "missing", tmp_path, "sample", ranks=2)


def test_an_output_of_another_configuration_is_not_overwritten(sample: Path, tmp_path: Path) -> None:
    train(sample, tmp_path, recipe())
    with pytest.raises(ConfigError, match="another configuration"):
        train(sample, tmp_path, recipe(lr=2e-3))


def test_what_cannot_be_trained_is_said_before_anything_is_written(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="ingest"):
        train(tmp_path / "nowhere", tmp_path / "run", recipe())
    with pytest.raises(ConfigError, match="cannot be shared by 3 ranks"):
        run_training(sample, tmp_path / "run", "sample", ranks=3)
    assert not (tmp_path / "run").exists()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(os.urandom(100))
    with pytest.raises(Exception, match="cannot be read") as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)


def test_a_time_limit_squeezes_the_schedule_and_ends_with_a_checkpoint(sample: Path, tmp_path: Path) -> None:
    result = train(sample, tmp_path, recipe(iterations=100_000, max_minutes=0.05, schedule="cosine"))
    assert 0 < result.iterations < 100_000
    assert load_checkpoint(result.checkpoint).iteration == result.iterations
    rates = [json.loads(line)["lr"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rates[-1] < 0.1 * max(rates)
