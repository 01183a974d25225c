"""Training sees what the authors' code sees: the same matches, losses and gradients, and the same first steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparseinst.model.backbones.pvt import DropPath
from sparseinst.model.network import SparseInst
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.optimizer import build_optimizer
from sparseinst.training.targets import collect_targets
from tests.golden.golden_file import Golden
from tests.golden.golden_model import golden_model, looseness
from tests.golden.recipe import golden_images, golden_targets

LOSS_RTOL = 1e-4
GRADIENT_RTOL = 1e-3
# Behind a softmax over the cells, the biases of the activation maps change nothing: their true gradient is 0, and what
# is computed is a sum of rounding errors of about 1e-6. The smallest norm that means anything is 5e-3.
GRADIENT_ATOL = 1e-5
# The objectness is taught the IoU of masks cut at 0.4, which jumps when a cell crosses that. AdamW's first steps move a
# weight by the learning rate whichever sign its gradient has, and where that is nearly 0 the sign is a matter of
# rounding: on another processor a cell may cross a step earlier. From step to step this loss changes by 8 % and more.
STEP_RTOL = (LOSS_RTOL, LOSS_RTOL, LOSS_RTOL, 1e-3, LOSS_RTOL)

LOSSES = ("loss_ce", "loss_mask", "loss_dice", "loss_objectness")
RECIPE = TrainConfig(lr=1e-6, weight_decay=0.05)  # of the trajectory: a constant rate, the same batch at every step


@dataclass(frozen=True)
class Training:
    """What the first passes computed: matches, losses and gradients of the first, the losses of each."""

    matches: list[tuple[Tensor, Tensor]]
    gradients: dict[str, float | None]  # L2 norms
    losses: list[dict[str, float]]
    looseness: float


@pytest.fixture(scope="module")
def training(golden: Golden) -> Training:
    model = golden_model(golden)
    looser = looseness(model, golden)
    if golden.meta is not None:
        model.train(golden.meta["train_mode_comparable"])
    else:
        model.train(not differs_in_training(model))
    return train(model, looser, steps=1 if golden.trajectory is None else len(golden.trajectory))


def differs_in_training(model: nn.Module) -> bool:
    """Whether a layer computes with statistics of the batch or leaves things out at random while it trains.

    The reference's figures were computed in eval() mode then. (Frozen norms only round otherwise.)
    """
    layers = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, DropPath)
    return any(isinstance(module, layers) for module in model.modules())


def train(model: SparseInst, looser: float, steps: int) -> Training:
    images, targets = golden_images(), collect_targets(golden_targets(), padded=(256, 320), grid=(64, 80))
    criterion, optimizer = Criterion(RECIPE), build_optimizer(model, RECIPE)
    history: list[dict[str, float]] = []
    for step in range(steps):
        raw = model(images)
        losses = criterion(raw, targets, num_instances=len(targets.classes))
        total = torch.stack(list(losses.values())).sum()
        history.append({name: float(loss.detach()) for name, loss in (losses | {"total": total}).items()})
        if step == 0:
            matches = criterion.matcher(raw["pred_logits"], raw["pred_masks"], targets)
            total.backward()
            gradients = {
                name: None if parameter.grad is None else float(parameter.grad.double().norm())
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }
        elif step < steps - 1:
            total.backward()
        if step < steps - 1:
            optimizer.step()
            optimizer.zero_grad()
    return Training(matches, gradients, history, looser)


def test_matches_agree(training: Training, golden: Golden) -> None:
    for (queries, objects), (their_queries, their_objects) in zip(training.matches, golden.matches, strict=True):
        np.testing.assert_array_equal(queries.numpy(), their_queries)
        np.testing.assert_array_equal(objects.numpy(), their_objects)


def test_the_losses_of_every_step_agree(training: Training, golden: Golden) -> None:
    assert golden.losses.keys() == {*LOSSES, "total"}
    assert training.losses[0] == pytest.approx(golden.losses, rel=LOSS_RTOL * training.looseness)
    if golden.trajectory is not None:  # most files have one step only
        ours = [[losses[name] for name in (*LOSSES, "total")] for losses in training.losses]
        tolerance = np.abs(golden.trajectory) * STEP_RTOL * training.looseness
        np.testing.assert_array_less(np.abs(ours - golden.trajectory), tolerance)


def test_the_gradient_of_every_parameter_agrees(training: Training, golden: Golden) -> None:
    without = {*golden.meta["params_without_grad"]} if golden.meta else set()
    assert training.gradients.keys() - without == golden.gradients.keys()
    assert all(training.gradients[name] in (None, 0) for name in without)
    ours = {name: training.gradients[name] for name in golden.gradients}
    rtol = GRADIENT_RTOL * training.looseness
    assert ours == pytest.approx(golden.gradients, rel=rtol, abs=GRADIENT_ATOL)
