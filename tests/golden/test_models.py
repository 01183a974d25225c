"""The network gives the figures that the authors' own code gives for the same weights and images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.config import config_names
from sparseinst.model.network import SparseInst, build_model
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.matcher import Matcher
from sparseinst.training.targets import BatchTargets, collect_targets
from tests.golden.recipe import golden_images, golden_state, golden_targets

ORIGINAL_SIZES = [(480, 600), (333, 417)]
LOSSES = ("loss_ce", "loss_mask", "loss_dice", "loss_objectness")


@pytest.fixture(scope="module")
def golden(golden_file: Path) -> dict[str, np.ndarray]:
    with np.load(golden_file) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def model(golden_file: Path) -> SparseInst:
    if golden_file.stem not in config_names():
        pytest.skip(f"there is no configuration {golden_file.stem} yet")
    model = build_model(golden_file.stem)
    model.load_state_dict(golden_state(model, golden_file.stem))
    return model.eval()


@pytest.fixture(scope="module")
def raw(model: SparseInst) -> dict[str, torch.Tensor]:
    return model(golden_images())


@pytest.fixture(scope="module")
def targets() -> BatchTargets:
    return collect_targets(golden_targets(), (256, 320), (64, 80))


def test_raw_outputs_agree(raw: dict[str, torch.Tensor], golden: dict[str, np.ndarray]) -> None:
    for name in ("pred_logits", "pred_scores"):
        np.testing.assert_allclose(raw[name].detach().numpy(), golden[name], atol=1e-4, rtol=0)
    masks = raw["pred_masks"].detach().numpy()
    assert masks.shape == tuple(golden["stage/pred_masks/shape"])
    samples = golden["stage/pred_masks/samples"]
    np.testing.assert_allclose(_sample(masks, len(samples)), samples, atol=1e-4, rtol=0)


def test_stages_agree(model: SparseInst, golden: dict[str, np.ndarray]) -> None:
    seen: dict[str, torch.Tensor] = {}
    parts = {"encoder": model.encoder, "inst_features": model.decoder.inst_branch.inst_convs}
    parts |= {"iam": model.decoder.inst_branch.iam_conv, "mask_features": model.decoder.mask_branch}
    parts |= {"pred_kernel": model.decoder.inst_branch.mask_kernel}
    hooks = [part.register_forward_hook(lambda m, i, o, n=n: seen.__setitem__(n, o)) for n, part in parts.items()]
    hooks += [
        model.backbone.register_forward_hook(
            lambda m, i, o: seen.update(zip(("res3", "res4", "res5"), o, strict=True), input=i[0])
        )
    ]
    with torch.no_grad():
        model(golden_images())
    for hook in hooks:
        hook.remove()
    for name, value in seen.items():
        array = value.numpy()
        assert array.shape == tuple(golden[f"stage/{name}/shape"]), name
        scale = max(1.0, float(golden[f"stage/{name}/abssum"]) / array.size)
        samples = golden[f"stage/{name}/samples"]
        np.testing.assert_allclose(_sample(array, len(samples)), samples, atol=1e-4 * scale, rtol=0, err_msg=name)
        assert np.abs(array.astype(np.float64)).sum() == pytest.approx(float(golden[f"stage/{name}/abssum"]), rel=1e-4)


def test_final_instances_agree(model: SparseInst, golden: dict[str, np.ndarray]) -> None:
    for index, found in enumerate(model.predict(golden_images(), ORIGINAL_SIZES)):
        expected = {key: golden[f"final/{index}/{key}"] for key in ("query", "scores", "classes", "area")}
        np.testing.assert_array_equal(found.queries.numpy(), expected["query"])
        np.testing.assert_array_equal(found.classes.numpy(), expected["classes"])
        np.testing.assert_allclose(found.scores.numpy(), expected["scores"], atol=2e-5, rtol=0)
        pixels = ORIGINAL_SIZES[index][0] * ORIGINAL_SIZES[index][1]
        areas = found.masks.sum(dim=(1, 2)).numpy()
        np.testing.assert_allclose(areas, expected["area"], atol=1e-3 * pixels, rtol=0)


def test_matches_losses_and_gradients_agree(
    model: SparseInst, targets: BatchTargets, golden: dict[str, np.ndarray]
) -> None:
    raw = model(golden_images())
    for index, (queries, objects) in enumerate(Matcher()(raw["pred_logits"], raw["pred_masks"], targets)):
        np.testing.assert_array_equal(queries.numpy(), golden[f"match/{index}/query"])
        np.testing.assert_array_equal(objects.numpy(), golden[f"match/{index}/target"])
    losses = Criterion(TrainConfig())(raw, targets, num_instances=len(targets.classes))
    for name in LOSSES:
        assert float(losses[name].detach()) == pytest.approx(float(golden[f"loss/{name}"]), rel=1e-4), name
    model.zero_grad()
    torch.stack(list(losses.values())).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    for name, norm in zip(golden["grad/names"], golden["grad/l2"], strict=True):
        gradient = gradients[str(name)]
        assert gradient is not None
        assert float(gradient.norm()) == pytest.approx(float(norm), rel=1e-3, abs=1e-6), name


def _sample(array: np.ndarray, count: int) -> np.ndarray:
    flat = array.reshape(-1)
    return flat[np.arange(count) * (flat.size - 1) // (count - 1)]
