"""On a GPU the model sees what it sees on a CPU. Run by `make test-gpu`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import sparseinst
from sparseinst.model.backbones.deformable import DeformConv2d, deform_conv2d, has_compiled_operator
from sparseinst.model.inference import prepare_for_inference
from sparseinst.model.network import SparseInst
from tests.golden.recipe import golden_images, golden_state

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


@pytest.fixture(autouse=True)
def float32_is_float32() -> Iterator[None]:
    """Without TensorFloat-32, which rounds products to 10 bits."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


@pytest.fixture(scope="module", params=["sparse_inst_r50_giam", "sparse_inst_pvt_b1_giam"])
def model(request: pytest.FixtureRequest) -> SparseInst:
    model = sparseinst.build_model(request.param)
    model.load_state_dict(golden_state(model, request.param))
    return model.eval()


@torch.no_grad()
def test_raw_outputs_and_instances_are_those_of_the_cpu(model: SparseInst) -> None:
    expected, found_there = model(golden_images()), model.predict(golden_images())
    on_gpu = prepare_for_inference(model.cuda())
    images = [image.cuda() for image in golden_images()]
    for network in (model, on_gpu):
        for key, tensor in network(images).items():
            torch.testing.assert_close(tensor.cpu(), expected[key], atol=1e-3, rtol=1e-3)
        for here, there in zip(network.predict(images), found_there, strict=True):
            assert here.queries.tolist() == there.queries.tolist()
            assert float((here.masks.cpu() != there.masks).float().mean()) < 1e-3
            assert len(here.rles) == len(there.rles)
    model.cpu()


@pytest.mark.skipif(not has_compiled_operator(), reason="needs torchvision's compiled operators")
@pytest.mark.parametrize("stride", [1, 2])
def test_torchvisions_deformable_convolution_equals_the_plain_one(stride: int) -> None:
    torch.manual_seed(0)
    layer = DeformConv2d(8, 6, 3, stride=stride).cuda()
    x, side = torch.randn(2, 8, 17, 23, device="cuda"), (-(-17 // stride), -(-23 // stride))
    offsets = 2 * torch.randn(2, 18, *side, device="cuda")
    expected = deform_conv2d(x, offsets, layer.weight, stride, 1)
    torch.testing.assert_close(layer(x, offsets), expected, atol=1e-4, rtol=1e-4)
