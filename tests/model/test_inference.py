"""A model made ready for inference answers as it did."""

from __future__ import annotations

import pytest
import torch

import sparseinst
from sparseinst.model.inference import convolution, prepare_for_inference
from sparseinst.model.inference.convolution import FusedConv
from sparseinst.model.inference.fold import fold
from sparseinst.model.inference.winograd import WinogradConv, suits_winograd
from sparseinst.model.network import SparseInst
from tests.golden.recipe import golden_state

FAMILIES = [
    "sparse_inst_r18_giam",
    "sparse_inst_r50_base",
    "sparse_inst_r50_dcn_giam_aug",
    "sparse_inst_r50vd_giam",
    "sparse_inst_r50vd_dcn_giam",
    "sparse_inst_cspdarknet53_giam",
    "sparse_inst_darknet53_giam",
    "sparse_inst_pvt_b1_giam",
]


def lively(name: str) -> SparseInst:
    torch.manual_seed(0)
    model = sparseinst.build_model(name)
    if name != "sparse_inst_r18_giam":  # ours, so the recipe of the reference figures has no rule for it
        model.load_state_dict(golden_state(model, name))
    return model.eval()


def pictures(*sizes: tuple[int, int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8) for size in sizes]


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_raw_outputs_stay_for_every_backbone_and_any_size(name: str) -> None:
    model = lively(name)
    prepared = prepare_for_inference(model)
    for images in (pictures((64, 96)), pictures((50, 41), (33, 47))):  # a second size on weights packed for the first
        expected, found = model(images), prepared(images)
        for key, tensor in expected.items():
            largest = float(tensor.abs().max())  # great for the random ResNet-18, some 20 for the others
            torch.testing.assert_close(found[key], tensor, atol=5e-6 * max(20.0, largest), rtol=0)


@torch.no_grad()
def test_without_the_fused_operators_the_plain_ones_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = lively("sparse_inst_r50vd_giam")
    monkeypatch.setattr(convolution, "has_fused_operators", lambda: False)
    prepared = prepare_for_inference(model)
    assert not any(module.is_fused for module in prepared.modules() if isinstance(module, FusedConv))
    images = pictures((64, 96))
    for key, tensor in model(images).items():
        torch.testing.assert_close(prepared(images)[key], tensor, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_every_norm_and_every_relu_of_a_resnet_is_taken_in() -> None:
    prepared = prepare_for_inference(sparseinst.build_model("sparse_inst_r50_giam"))
    kinds = {type(module).__name__ for module in prepared.modules()}
    assert not kinds & {"FrozenBatchNorm2d", "ConvNorm", "ReLU", "Conv2d"}
    assert sum(isinstance(module, WinogradConv) for module in prepared.modules()) == 3 + 4 + 4  # pyramid and branches
    direct = prepare_for_inference(sparseinst.build_model("sparse_inst_r50_giam"), winograd=False)
    assert not any(isinstance(module, WinogradConv) for module in direct.modules())
    fused = [module for module in prepared.backbone.modules() if isinstance(module, FusedConv)]
    assert len(fused) == 53
    assert sum(module.in_place for module in fused) == 16  # the sum of each of the 3 + 4 + 6 + 3 blocks


@torch.no_grad()
def test_in_half_precision_the_instances_stay_close() -> None:
    model = lively("sparse_inst_r50_giam")
    images = pictures((96, 128))
    expected, found = model(images), prepare_for_inference(model, torch.bfloat16)(images)
    assert found["pred_masks"].dtype == torch.bfloat16
    for key in expected:
        difference = (found[key].float().sigmoid() - expected[key].sigmoid()).abs()
        assert float(difference.mean()) < 0.01, key


def test_the_model_itself_is_left_as_it_was() -> None:
    model = lively("sparse_inst_r18_giam").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    prepare_for_inference(model)
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (7, 10), (1, 5), (20, 1)])
def test_winograds_algorithm_gives_the_convolution_for_any_size(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((2, 130, height, width), generator=generator)
    weight, bias = torch.randn((140, 130, 3, 3), generator=generator) / 34, torch.randn(140, generator=generator)
    expected = torch.nn.functional.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    found = WinogradConv(weight, bias, relu=False)(x)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected.float(), atol=3e-5, rtol=0)
    torch.testing.assert_close(WinogradConv(weight, bias, relu=True)(x), expected.float().relu(), atol=3e-5, rtol=0)
    without = torch.nn.functional.conv2d(x, weight, padding=1)
    torch.testing.assert_close(WinogradConv(weight, None, relu=False)(x), without, atol=3e-5, rtol=0)


def test_winograds_algorithm_is_for_large_plain_3x3_convolutions_alone() -> None:
    conv = torch.nn.Conv2d
    assert suits_winograd(conv(128, 256, 3, padding=1))
    others = [conv(64, 256, 3, padding=1), conv(256, 256, 1), conv(256, 256, 3), conv(256, 256, 3, padding=1, stride=2)]
    others += [conv(256, 256, 3, padding=1, groups=2), conv(256, 256, 3, padding=2, dilation=2)]
    assert not any(suits_winograd(other) for other in others)


def test_folding_is_the_norm_after_the_convolution() -> None:
    torch.manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4).eval()
    torch.nn.init.uniform_(norm.weight)
    torch.nn.init.uniform_(norm.bias)
    norm.running_mean.uniform_()
    norm.running_var.uniform_(0.5, 1.5)
    x = torch.rand(2, 3, 8, 8)
    weight, bias = fold(conv.weight, conv.bias, norm)
    torch.testing.assert_close(torch.nn.functional.conv2d(x, weight, bias), norm(conv(x)))
