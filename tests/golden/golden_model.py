"""The model of a golden file, with the golden weights."""

from __future__ import annotations

import numpy as np
import torch

from sparseinst.model.network import SparseInst, build_model
from sparseinst.model.preprocessing import batch_images
from tests.golden.golden_file import Golden, sample
from tests.golden.recipe import golden_images, golden_state


def golden_model(golden: Golden) -> SparseInst:
    model = build_model(golden.name)
    model.load_state_dict(golden_state(model, golden.name, golden.meta["LAT_GAIN"] if golden.meta else None))
    return model


@torch.no_grad()
def looseness(model: SparseInst, golden: Golden) -> float:
    """By what the tolerances are multiplied: 1, but 50 for a deformable model on a processor that rounds otherwise.

    With the golden weights the offsets send taps across pixel borders, where the interpolation has a kink, so that a
    rounding difference in one layer grows through the next ones: to 5e-4 in a stage, 6e-4 of a loss and 2.5 % of a
    gradient between two instruction sets (and the golden gradients are as far from a computation in float64). Where
    the map before the first deformable layer is the reference's to the last bit, nothing needs to be loosened.
    """
    if not model.config.deformable:
        return 1.0
    before = golden.stages["res3"].samples
    was_training = model.training
    first, _, _ = model.eval().backbone(batch_images(golden_images()))
    model.train(was_training)
    return 1.0 if np.array_equal(sample(first.numpy(), len(before)), before) else 50.0
