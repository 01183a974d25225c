"""Training starts from given weights, and says what it started from."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.config import InputConfig
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import SparseInstError, StorageError
from sparseinst.files import sha256_of_file
from sparseinst.manifest import read_manifest
from sparseinst.model.network import SparseInst
from sparseinst.training.checkpoint import load_checkpoint
from sparseinst.training.config import TrainConfig
from sparseinst.training.ranks.group import Ranks
from sparseinst.training.session import Session
from sparseinst.training.train import train
from tests.tiny import TINY

INPUT = InputConfig(train_short_sides=(48, 64), train_longest_side=96, short_side=64, longest_side=96, workers=0)
CLASS_LAYER = {f"decoder.inst_branch.cls_score.{part}" for part in ("weight", "bias")}


def settings(weights: str, **train_settings: object) -> RunConfig:
    values = {"weights": weights, "iterations": 2, "batch_size": 2, "reference_batch": 2}
    values |= {"lr": 1e-9, "warmup_iterations": 1}
    return RunConfig(model=TINY, input=INPUT, train=TrainConfig(**{**values, **train_settings}))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of objects."""
    return ingest(
        "sample", tmp_path_factory.mktemp("data") / "sample", IngestSettings(train_images=4, val_images=2)
    ).location


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that knows seven classes."""
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "seven.pth"
    torch.save({"model": SparseInst(TINY, 7).state_dict()}, path)
    return path


def test_a_run_starts_from_weights_of_another_class_count(
    data: Path, weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sparseinst"):
        result = train(data, tmp_path, settings(str(weights), ema_decay=0.5))
    begun, ended = torch.load(weights, weights_only=True)["model"], load_checkpoint(result.checkpoint).weights
    for name, tensor in begun.items():
        if name in CLASS_LAYER:
            assert len(ended[name]) == 4
        else:  # the learning rate is next to nothing: what training started from is still there
            torch.testing.assert_close(ended[name], tensor, atol=1e-6, rtol=0)
    inputs = read_manifest(tmp_path)["inputs"]
    assert (inputs["weights"], inputs["weights_place"]) == (sha256_of_file(weights), str(weights))
    said = [record.getMessage() for record in caplog.records]
    assert sum("7 classes in the weights, 4 here" in line for line in said) == 1
    assert not any("weights are random" in line for line in said)


def test_a_resumed_run_does_not_look_for_the_weights_again(
    data: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "w.pth"
    there.write_bytes(weights.read_bytes())
    output, config = tmp_path / "run", settings(str(there))
    train(data, output, config)
    there.unlink()
    (output / "checkpoint.pt").unlink()
    train(data, output, config)
    assert read_manifest(output)["inputs"]["weights"] == sha256_of_file(weights)


def test_a_run_from_random_weights_names_none_and_warns_where_the_norms_are_frozen(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sparseinst"):
        train(data, tmp_path / "frozen", settings("none"))
    assert "the norms are frozen and the weights are random" in caplog.text
    assert set(read_manifest(tmp_path / "frozen")["inputs"]) == {"dataset"}
    caplog.clear()
    with caplog.at_level(logging.INFO, "sparseinst"):
        learned = settings("none")
        train(data, tmp_path / "learned", dataclasses.replace(learned, model=dataclasses.replace(TINY, norm="bn")))
    assert "the norms are frozen" not in caplog.text


@pytest.mark.parametrize("kind", ["missing", "damaged", "other network"])
def test_weights_that_cannot_be_used_end_the_run_with_the_way_out(data: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "w.pth"
    if kind == "damaged":
        place.write_bytes(b"damaged")
    elif kind == "other network":
        torch.save({"decoder.x": torch.zeros(1)}, place)
    with pytest.raises(StorageError if kind == "missing" else SparseInstError) as caught:
        train(data, tmp_path / "run", settings(str(place)))
    assert caught.value.where.startswith("train.weights: ") and str(place) in caught.value.where
    assert "train.weights=none" in caught.value.fix
    assert not (tmp_path / "run").exists()


def test_the_averaged_weights_begin_where_the_model_begins(data: Path, weights: Path, tmp_path: Path) -> None:
    config = settings(str(weights), ema_decay=0.9)
    dataset, ranks = TrainingImages(data, INPUT), Ranks(0, 1, torch.device("cpu"))
    learner = Session(config, dataset, ranks, tmp_path, DataOrigin("data")).learner
    assert learner.ema is not None
    averaged = learner.ema.module.state_dict()
    assert all(torch.equal(averaged[name], tensor) for name, tensor in learner.model.state_dict().items())
