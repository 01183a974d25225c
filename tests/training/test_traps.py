"""What makes the original crash or learn the wrong thing trains here."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.config import InputConfig
from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.example import Example, Target
from sparseinst.data.origin import DataOrigin
from sparseinst.model.config import ModelConfig
from sparseinst.training.agreement import agree
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.matcher import Matcher
from sparseinst.training.ranks.group import Ranks
from sparseinst.training.session import Session
from sparseinst.training.targets import BatchTargets, collect_targets
from sparseinst.training.train import train
from tests.tiny import TINY

SMALL = InputConfig(train_short_sides=(64,), train_longest_side=96, short_side=64, longest_side=96, workers=0)
PADDED, GRID = (64, 96), (16, 24)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sample"
    ingest("sample", folder, IngestSettings(train_images=6, val_images=2))
    return folder


def objects(count: int, seed: int = 0) -> Target:
    """Rectangles of three classes."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros((count, *PADDED), dtype=torch.uint8)
    for mask in masks:
        top, left = torch.randint(0, 40, (2,), generator=generator).tolist()
        mask[top : top + 20, left : left + 30] = 1
    return Target(torch.randint(0, 3, (count,), generator=generator), masks)


def raw_outputs(images: int, queries: int, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "pred_logits": torch.randn((images, queries, 3), generator=generator),
        "pred_scores": torch.randn((images, queries, 1), generator=generator),
        "pred_masks": torch.randn((images, queries, *GRID), generator=generator),
    }


def batch(*targets: Target) -> BatchTargets:
    return collect_targets(targets, PADDED, GRID)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_batch_without_any_object_moves_the_weights_and_nothing_breaks(
    data: Path, tmp_path: Path, precision: str
) -> None:
    config = RunConfig(model=TINY, input=SMALL, train=TrainConfig(batch_size=2, precision=precision))  # type: ignore[arg-type]
    ranks = Ranks(0, 1, torch.device("cpu"))
    learner = Session(config, TrainingImages(data, SMALL), ranks, tmp_path, DataOrigin()).learner
    image = torch.randint(0, 256, (3, 50, 70), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    nothing = Target(torch.zeros(0, dtype=torch.int64), torch.zeros((0, 50, 70), dtype=torch.uint8))
    before = {name: tensor.clone() for name, tensor in learner.model.state_dict().items()}
    batch = [Example(image, nothing, 1), Example(image, nothing, 2)]
    agreed = agree(ranks, batch, num_masks=TINY.num_masks, stop=False, bad_images=0, seconds=0.0)
    losses = learner.step(batch, agreed, 1e-3, (0, 0)).losses
    assert losses["loss_ce"] > 0
    assert losses["loss_mask"] == losses["loss_dice"] == losses["loss_objectness"] == 0
    after = learner.model.state_dict()
    assert all(bool(torch.isfinite(tensor).all()) for tensor in after.values())
    assert not torch.equal(
        before["decoder.inst_branch.cls_score.weight"], after["decoder.inst_branch.cls_score.weight"]
    )


def test_an_image_with_more_objects_than_queries_leaves_the_others_their_own_objects() -> None:
    """The original counts objects where it should count matches, so that later images learn the wrong masks."""
    criterion, raw = Criterion(TrainConfig()), raw_outputs(images=2, queries=4)
    crowded, sparse = objects(9, seed=1), objects(2, seed=2)
    losses = criterion(raw, batch(crowded, sparse), num_instances=11)
    swapped = {name: tensor.flip(0) for name, tensor in raw.items()}
    for name, loss in criterion(swapped, batch(sparse, crowded), num_instances=11).items():
        torch.testing.assert_close(loss, losses[name], msg=name)
    (queries, matched), (_, second) = Matcher()(raw["pred_logits"], raw["pred_masks"], batch(crowded, sparse))
    assert queries.tolist() == [0, 1, 2, 3]
    assert len(set(matched.tolist())) == 4
    assert sorted(second.tolist()) == [0, 1]


def test_an_image_with_more_objects_than_queries_is_reported_once(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    few = ModelConfig(**{name: getattr(TINY, name) for name in TINY.__dataclass_fields__} | {"num_masks": 1})
    config = RunConfig(model=few, input=SMALL, train=TrainConfig(iterations=3, batch_size=2, log_every=1))
    with caplog.at_level(logging.WARNING):
        train(data, tmp_path, config)
    assert sum("the model has 1 queries" in message for message in caplog.messages) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_outputs_that_are_not_finite_never_reach_the_assignment(dtype: torch.dtype) -> None:
    raw = {name: tensor.to(dtype) for name, tensor in raw_outputs(images=1, queries=5).items()}
    raw["pred_masks"][0, 0] = float("nan")
    raw["pred_logits"][0, 1] = float("nan")
    raw["pred_masks"][0, 2, 3, 3] = float("inf")  # a sigmoid of 1, which is no harm
    targets = batch(objects(3))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not torch.float32):
        ((queries, matched),) = Matcher()(raw["pred_logits"], raw["pred_masks"], targets)
    assert sorted(matched.tolist()) == [0, 1, 2]
    assert set(queries.tolist()) == {2, 3, 4}  # a score that is no number counts as 0


def test_even_with_nothing_but_nan_there_is_a_valid_assignment() -> None:
    raw = {name: torch.full_like(tensor, float("nan")) for name, tensor in raw_outputs(1, 4).items()}
    ((queries, matched),) = Matcher()(raw["pred_logits"], raw["pred_masks"], batch(objects(2)))
    assert len(set(queries.tolist())) == 2
    assert sorted(matched.tolist()) == [0, 1]


def test_scores_in_half_precision_are_those_of_float32() -> None:
    raw, targets = raw_outputs(images=1, queries=5), batch(objects(3))
    half = {name: tensor.half() for name, tensor in raw.items()}
    with torch.autocast("cpu", torch.bfloat16):
        ((queries, matched),) = Matcher()(half["pred_logits"], half["pred_masks"], targets)
    rounded = {name: tensor.float() for name, tensor in half.items()}
    ((expected, objects_),) = Matcher()(rounded["pred_logits"], rounded["pred_masks"], targets)
    assert torch.equal(queries, expected)
    assert torch.equal(matched, objects_)
