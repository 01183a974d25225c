"""The chain that the whole project rests on: what Triton answers is what the export and the checkpoint answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.data.config import InputConfig
from sparseinst.evaluation.predictors.predictor import Predictor, open_predictor
from sparseinst.export.comparison import compare
from sparseinst.export.export import ExportOptions, export
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.serving import stack
from sparseinst.serving.rollout import deploy
from sparseinst.training.checkpoint import Checkpoint, save_checkpoint
from tests.serving import tiny

CONFIG = RunConfig(
    model=ModelConfig(
        backbone="resnet18",
        backbone_width=16,
        norm="bn",
        encoder_channels=32,
        num_masks=20,
        instance_dim=32,
        mask_dim=32,
    ),
    input=InputConfig(short_side=96, longest_side=160),
)
SIZES = ((96, 96), (77, 131), (240, 320), (130, 61), (32, 200))


@pytest.fixture(scope="module")
def predictors(
    environment: stack.StackState, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Predictor, Predictor, Predictor]]:
    """The checkpoint, its export and the served model. Random weights, large enough that masks are not flat."""
    folder = tmp_path_factory.mktemp("chain")
    torch.manual_seed(0)
    model = SparseInst(CONFIG.model, num_classes=3)
    with torch.no_grad():
        for layer in (branch := model.decoder.inst_branch).iam_conv, branch.mask_kernel, branch.cls_score:
            layer.weight.normal_(std=0.5)
    categories = [Category(1, "disc"), Category(2, "ring"), Category(7, "star")]
    save_checkpoint(folder / "checkpoint.pt", Checkpoint(model.state_dict(), CONFIG, categories, 1))
    export(folder / "checkpoint.pt", folder / "export", ExportOptions(name=kept_name))
    served = deploy(folder / "export", environment.model_repository, environment.triton_url, front_door=False)
    places = (folder / "checkpoint.pt", folder / "export" / kept_name / "1" / "model.pt", served.endpoint)
    eager, exported, remote = (open_predictor(str(place)) for place in places)
    with eager, exported, remote:
        yield eager, exported, remote


@pytest.mark.parametrize("batch", [1, 4])
def test_trained_exported_and_served_answer_alike(predictors: tuple[Predictor, ...], batch: int):
    compared = 0
    for seed, (height, width) in enumerate(SIZES):
        images = list(tiny.random_images(batch, height, width, seed).transpose(0, 2, 3, 1))
        eager, exported, served = (predictor.predict(images) for predictor in predictors)
        for trained, scripted, answer in zip(eager, exported, served, strict=True):
            np.testing.assert_array_equal(answer.scores, scripted.scores)
            np.testing.assert_array_equal(answer.classes, scripted.classes)
            np.testing.assert_array_equal(answer.masks, scripted.masks)
            difference = compare(trained, answer)
            assert difference.is_within_tolerance, difference
            compared += int(answer.masks.any(axis=(1, 2)).sum())
    assert compared > 5 * batch * len(SIZES), "there were masks to compare"


def test_a_mixed_list_of_images_comes_back_in_its_order(predictors: tuple[Predictor, ...]):
    images = [
        tiny.random_images(1, *SIZES[index % 3], seed=index)[0].transpose(1, 2, 0) for index in (0, 1, 2, 0, 1, 0)
    ]
    eager, _, served = (predictor.predict(images) for predictor in predictors)
    assert [found.masks.shape[1:] for found in served] == [image.shape[:2] for image in images]
    assert all(compare(*pair).is_within_tolerance for pair in zip(eager, served, strict=True))


def test_the_served_model_says_what_it_was_made_from(predictors: tuple[Predictor, ...]):
    eager, exported, served = predictors
    assert served.metadata == exported.metadata == eager.metadata
    assert [category.name for category in served.categories] == ["disc", "ring", "star"]
