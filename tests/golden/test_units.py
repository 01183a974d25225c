"""Matcher, losses and post-processing give the authors' figures on small tensors, images without objects included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.data.loading.example import Target
from sparseinst.masks.resample import Frame
from sparseinst.model.postprocessing.detect import detect
from sparseinst.model.postprocessing.options import DetectionOptions
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion, mask_iou
from sparseinst.training.matcher import Matcher
from sparseinst.training.targets import BatchTargets, collect_targets
from tests.golden.golden_file import LIGHT, Array

FILE = "unit_criterion_postproc.npz"
CASES = ("two_three", "three_none", "none_two")
RAW = ("pred_logits", "pred_masks", "pred_scores")
SIZES = (((64, 80), (100, 125)), ((50, 70), (33, 47)))  # per image, for the post-processing: as seen, and original
SHIFT = 6.0  # is taken off the class and objectness logits for it, so that some queries fall below the threshold

INPUTS = {f"in/{name}" for name in RAW} | {
    f"{case}/{kind}/{image}" for case in CASES for kind in ("gt_labels", "gt_masks") for image in (0, 1)
}
# What is not named here (matches, classes, masks) is equal to the last bit.
ATOL = {"resized_gt": 1e-6, "cost": 1e-5, "iou_target": 1e-6, "grad": 1e-6, "scores": 1e-6}
RTOL = {"loss_ce": 1e-5, "loss_mask": 1e-5, "loss_dice": 1e-5, "loss_objectness": 1e-5}


@pytest.fixture(scope="module")
def golden(goldens: Path) -> dict[str, Array]:
    path = goldens / FILE
    with np.load(path if path.is_file() else LIGHT / FILE) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("case", CASES)
def test_targets_matches_losses_and_gradients_agree(golden: dict[str, Array], case: str) -> None:
    assert_equal(training_figures(golden, case), golden, prefix=f"{case}/")


def test_final_instances_agree(golden: dict[str, Array]) -> None:
    assert_equal(final_figures(golden), golden, prefix="post/")


def test_nothing_else_is_in_the_file(golden: dict[str, Array]) -> None:
    compared = tuple(f"{start}/" for start in ("post", *CASES))
    assert {name for name in golden if not name.startswith(compared)} == {f"in/{name}" for name in RAW}


def assert_equal(ours: dict[str, Array], golden: dict[str, Array], prefix: str) -> None:
    """Every figure of the file below `prefix` that is not an input, and no other, comes out."""
    wanted = {name: value for name, value in golden.items() if name.startswith(prefix) and name not in INPUTS}
    assert ours.keys() == wanted.keys()
    for name, value in wanted.items():
        kind = {*name.split("/")}
        atol = max((ATOL[word] for word in kind & ATOL.keys()), default=0.0)
        rtol = max((RTOL[word] for word in kind & RTOL.keys()), default=0.0)
        assert ours[name].shape == value.shape, name
        np.testing.assert_allclose(ours[name], value, atol=atol, rtol=rtol, err_msg=name)


def raw_outputs(golden: dict[str, Array]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(golden[f"in/{name}"]).requires_grad_() for name in RAW}


def batch_targets(golden: dict[str, Array], case: str) -> BatchTargets:
    images = [
        Target(*(torch.from_numpy(golden[f"{case}/{kind}/{index}"]) for kind in ("gt_labels", "gt_masks")))
        for index in (0, 1)
    ]
    return collect_targets(images, padded=(64, 80), grid=(16, 20))


def training_figures(golden: dict[str, Array], case: str) -> dict[str, Array]:
    raw, targets = raw_outputs(golden), batch_targets(golden, case)
    criterion = Criterion(TrainConfig())
    figures = {"resized_gt": targets.masks}
    with torch.no_grad():
        figures["cost"] = criterion.matcher.score(raw["pred_logits"], raw["pred_masks"], targets)
    start = 0
    for index, (queries, objects) in enumerate(criterion.matcher(raw["pred_logits"], raw["pred_masks"], targets)):
        masks, truth = raw["pred_masks"][index, queries], targets.masks[objects + start]
        figures |= {f"match/{index}/query": queries, f"match/{index}/target": objects}
        figures[f"iou_target/{index}"] = mask_iou(masks.flatten(1), truth.flatten(1))
        start += targets.counts[index]
    losses = criterion(raw, targets, num_instances=max(1, len(targets.classes)))
    torch.stack(list(losses.values())).sum().backward()
    figures |= losses
    for name, tensor in raw.items():
        assert tensor.grad is not None
        figures[f"grad/{name}"] = tensor.grad
    return {f"{case}/{name}": tensor.detach().numpy() for name, tensor in figures.items()}


def final_figures(golden: dict[str, Array]) -> dict[str, Array]:
    figures = {}
    for index, (image, original) in enumerate(SIZES):
        scores, classes, masks = instances(
            torch.from_numpy(golden["in/pred_logits"][index] - np.float32(SHIFT)),
            torch.from_numpy(golden["in/pred_scores"][index] - np.float32(SHIFT)),
            torch.from_numpy(golden["in/pred_masks"][index]),
            image,
            original,
        )
        figures |= {f"post/{index}/scores": scores, f"post/{index}/classes": classes, f"post/{index}/masks": masks}
    return {name: tensor.numpy() for name, tensor in figures.items()}


def instances(
    logits: torch.Tensor,
    objectness: torch.Tensor,
    mask_logits: torch.Tensor,
    image_size: tuple[int, int],
    original_size: tuple[int, int],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores, classes and masks of one image by the published thresholds: the one place that calls the library."""
    frame = Frame(padded=(64, 80), image=image_size, original=original_size)
    found = detect(logits, objectness, mask_logits, frame=frame, options=DetectionOptions())
    return found.scores, found.classes, found.masks


def test_a_batch_without_any_object_trains_and_pushes_all_scores_down(golden: dict[str, Array]) -> None:
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
