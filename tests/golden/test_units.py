"""Matcher, losses and post-processing give the authors' figures on small tensors, images without objects included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.data.example import Target
from sparseinst.model.postprocessing import detect
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion, mask_iou
from sparseinst.training.matcher import Matcher
from sparseinst.training.targets import BatchTargets, collect_targets

CASES = ("two_three", "three_none", "none_two")


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "light" / "unit_criterion_postproc.npz") as arrays:
        return dict(arrays)


def raw_outputs(golden: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    names = ("pred_logits", "pred_masks", "pred_scores")
    return {name: torch.from_numpy(golden[f"in/{name}"]).requires_grad_() for name in names}


def batch_targets(golden: dict[str, np.ndarray], case: str) -> BatchTargets:
    images = [
        Target(*(torch.from_numpy(golden[f"{case}/{kind}/{index}"]) for kind in ("gt_labels", "gt_masks")))
        for index in (0, 1)
    ]
    return collect_targets(images, padded=(64, 80), grid=(16, 20))


@pytest.mark.parametrize("case", CASES)
def test_targets_scores_and_matches_agree(golden: dict[str, np.ndarray], case: str) -> None:
    raw, targets = raw_outputs(golden), batch_targets(golden, case)
    np.testing.assert_allclose(targets.masks.numpy(), golden[f"{case}/resized_gt"], atol=1e-6)
    with torch.no_grad():
        scores = Matcher().score(raw["pred_logits"], raw["pred_masks"], targets)
    np.testing.assert_allclose(scores.numpy(), golden[f"{case}/cost"], atol=1e-5)
    start = 0
    for index, (queries, objects) in enumerate(Matcher()(raw["pred_logits"], raw["pred_masks"], targets)):
        np.testing.assert_array_equal(queries.numpy(), golden[f"{case}/match/{index}/query"])
        np.testing.assert_array_equal(objects.numpy(), golden[f"{case}/match/{index}/target"])
        masks = raw["pred_masks"][index, queries].flatten(1)
        iou = mask_iou(masks, targets.masks[objects + start].flatten(1))
        np.testing.assert_allclose(iou.numpy(), golden[f"{case}/iou_target/{index}"], atol=1e-6)
        start += targets.counts[index]


@pytest.mark.parametrize("case", CASES)
def test_losses_and_their_gradients_agree(golden: dict[str, np.ndarray], case: str) -> None:
    raw, targets = raw_outputs(golden), batch_targets(golden, case)
    losses = Criterion(TrainConfig())(raw, targets, num_instances=max(1, len(targets.classes)))
    for name, loss in losses.items():
        assert float(loss.detach()) == pytest.approx(float(golden[f"{case}/{name}"]), rel=1e-5), name
    torch.stack(list(losses.values())).sum().backward()
    for name, tensor in raw.items():
        assert tensor.grad is not None
        np.testing.assert_allclose(tensor.grad.numpy(), golden[f"{case}/grad/{name}"], atol=1e-6, err_msg=name)


def test_final_instances_agree(golden: dict[str, np.ndarray]) -> None:
    raw = {name: tensor.detach() for name, tensor in raw_outputs(golden).items()}
    sizes = [((64, 80), (100, 125)), ((50, 70), (33, 47))]
    for index, (image, original) in enumerate(sizes):
        found = detect(
            raw["pred_logits"][index] - 6,
            raw["pred_scores"][index] - 6,
            raw["pred_masks"][index],
            image_size=image,
            original_size=original,
            score_threshold=0.005,
            mask_threshold=0.45,
            max_detections=100,
        )
        np.testing.assert_allclose(found.scores.numpy(), golden[f"post/{index}/scores"], atol=1e-5)
        np.testing.assert_array_equal(found.classes.numpy(), golden[f"post/{index}/classes"])
        np.testing.assert_array_equal(found.masks.numpy(), golden[f"post/{index}/masks"])


def test_a_batch_without_any_object_trains_and_pushes_all_scores_down(golden: dict[str, np.ndarray]) -> None:
    raw = raw_outputs(golden)
    empty = Target(torch.zeros(0, dtype=torch.int64), torch.zeros((0, 64, 80), dtype=torch.uint8))
    targets = collect_targets([empty, empty], padded=(64, 80), grid=(16, 20))
    losses = Criterion(TrainConfig())(raw, targets, num_instances=1)
    torch.stack(list(losses.values())).sum().backward()
    assert float(losses["loss_ce"].detach()) > 0
    assert float(losses["loss_mask"].detach()) == float(losses["loss_dice"].detach()) == 0
    gradients = [tensor.grad for tensor in raw.values()]
    assert all(gradient is not None for gradient in gradients)
    assert bool((raw["pred_logits"].grad > 0).all())


def test_more_objects_than_queries_are_matched_once_each() -> None:
    masks = torch.zeros((5, 64, 80), dtype=torch.uint8)
    for index in range(5):
        masks[index, index * 10 : index * 10 + 8] = 1
    crowded = Target(torch.zeros(5, dtype=torch.int64), masks)
    single = Target(torch.ones(1, dtype=torch.int64), masks[:1])
    targets = collect_targets([crowded, single], padded=(64, 80), grid=(16, 20))
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((2, 3, 2), generator=generator)
    mask_logits = torch.randn((2, 3, 16, 20), generator=generator)
    (queries, objects), (_, last) = Matcher()(logits, mask_logits, targets)
    assert queries.tolist() == [0, 1, 2]
    assert len(set(objects.tolist())) == 3
    assert last.tolist() == [0]
