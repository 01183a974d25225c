"""Every backbone and decoder can be exported, and the exported program sees what the model sees."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import sparseinst
from sparseinst.export.cases import Case, variants
from sparseinst.export.parity import measure_parity
from sparseinst.export.torchscript import ServedModel, script
from sparseinst.model.network import SparseInst
from sparseinst.model.preprocessing import batch_images
from tests.golden.recipe import golden_state
from tests.tiny import TINY


@pytest.mark.parametrize(
    "name",
    [
        "sparse_inst_r50_base",
        "sparse_inst_r50vd_dcn_giam",
        "sparse_inst_r50_dcn_giam_aug",
        "sparse_inst_cspdarknet53_giam",
        "sparse_inst_darknet53_giam",
        "sparse_inst_pvt_b1_giam",
        "sparse_inst_pvt_b2_li_giam",
    ],
)
@torch.no_grad()
def test_the_program_of_every_family_answers_as_the_model_does(name: str) -> None:
    model = sparseinst.build_model(name)
    model.load_state_dict(golden_state(model, name))
    model.eval()
    images = torch.randint(0, 256, (2, 3, 60, 90), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pictures = [np.ascontiguousarray(image.permute(1, 2, 0).numpy()) for image in images]
    parity = measure_parity(model, script(model, {"max_pixels": 100_000}), [Case("random", pictures)])
    assert parity["instances_compared"] > 20
    assert parity["passed"], parity["worst_where"]


@pytest.mark.parametrize("size", [(33, 47), (64, 96), (1, 40)])
def test_the_export_normalises_and_pads_as_the_model_does(size: tuple[int, int]) -> None:
    seen = {}
    served = ServedModel(SparseInst(TINY, 3).eval(), {"max_pixels": 10_000})
    served.backbone.register_forward_hook(lambda module, inputs, output: seen.update(batch=inputs[0]))
    image = torch.randint(0, 256, (3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    served(image[None])
    assert torch.equal(seen["batch"], batch_images([image]))


@pytest.mark.parametrize("scale", [1, 4])
def test_a_coarser_or_finer_mask_grid_is_exported_too(scale: int) -> None:
    torch.manual_seed(0)
    model = SparseInst(dataclasses.replace(TINY, mask_scale=scale), num_classes=3).eval()
    torch.nn.init.normal_(model.decoder.inst_branch.mask_kernel.weight, std=3.0)
    image = torch.randint(0, 256, (60, 90, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8).numpy()
    program = script(model, {"max_pixels": 10_000})
    parity = measure_parity(model, program, [Case("one", [image]), Case("two", variants(image, 2))])
    assert parity["instances_compared"] == 18
    assert parity["passed"], parity["worst"]
