"""What the network costs in training: measured on the real network, with tensors that have no values."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import nn

from sparseinst.model.backbones.deformable import DeformConv2d, deform_conv2d
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst, build_model
from sparseinst.training.frozen import freeze_stages
from sparseinst.training.plan.ledger import HALF, Ledger, nbytes, without_values


@dataclass(frozen=True, slots=True)
class Line:
    """An amount for so many images: a part that is always there, and one for each."""

    constant: float
    per_image: float

    @classmethod
    def through(cls, one: float, two: float) -> Line:
        """The line through the amounts for one and for two images."""
        return cls(2 * one - two, two - one)

    def at(self, images: int) -> float:
        return self.constant + self.per_image * images


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """Of one forward and backward pass, over the images of a micro-batch, all of one size.

    Attributes:
        weights: Bytes of the parameters and buffers.
        gradients: Bytes of the parameters that learn.
        forward: Peak of the forward pass, in bytes beyond weights, gradients and the uint8 images.
        kept: What lives between the passes: what the backward pass needs, and the outputs.
        backward: Peak of the backward pass, with the outputs' gradients.
        flops: Floating-point operations; a multiplication with an addition is two.
        traffic: Bytes that the operations read and write.
        is_half: Whether the mask logits have 16 bits.
    """

    weights: int
    gradients: int
    forward: Line
    kept: Line
    backward: Line
    flops: Line
    traffic: Line
    is_half: bool


@dataclass(frozen=True, slots=True)
class _Pass:
    forward: int
    kept: int
    backward: int
    flops: int
    traffic: int
    is_half: bool


@lru_cache(maxsize=64)
def network_cost(
    config: ModelConfig, num_classes: int, in_half: bool, frozen_stages: int, size: tuple[int, int]
) -> NetworkCost:
    """Runs the network without values, for one and for two images; more cost in proportion.

    Nothing is computed and no random number is drawn. It takes seconds, and no memory worth mention.

    Args:
        config: The network.
        num_classes: Of the data.
        in_half: Whether it trains in bf16 or fp16. Measured under a CPU's autocast; a GPU's differs in few operations.
        frozen_stages: See `TrainConfig`.
        size: Height and width of the padded images.
    """
    with torch.device("meta"):
        model = build_model(config, num_classes)
    with without_values():
        model.to_empty(device="cpu")
        model.train()
        for module in freeze_stages(model.backbone, frozen_stages):
            module.eval()
        _without_compiled_operators(model)
        learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
        for parameter in learning:
            parameter.grad = torch.zeros_like(parameter)
        one, two = (_measure(model, images, size, in_half) for images in (1, 2))
        weights = nbytes([*model.parameters(), *model.buffers()])
        lines = {
            name: Line.through(getattr(one, name), getattr(two, name))
            for name in ("forward", "kept", "backward", "flops", "traffic")
        }
        return NetworkCost(weights=weights, gradients=nbytes(learning), is_half=one.is_half, **lines)


def _measure(model: SparseInst, images: int, size: tuple[int, int], in_half: bool) -> _Pass:
    batch = [torch.zeros((3, *size), dtype=torch.uint8) for _ in range(images)]
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    known = [*model.parameters(), *model.buffers(), *gradients, *batch]
    with Ledger(known) as ledger:
        base = ledger.mark()
        with torch.autocast("cpu", HALF) if in_half else nullcontext():
            raw = model(batch)
        forward, kept = ledger.peak - base, ledger.mark() - base
        outputs = list(raw.values())
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
        backward = ledger.peak - base
    is_half = raw["pred_masks"].element_size() == HALF.itemsize
    return _Pass(forward, kept, backward, ledger.flops, ledger.traffic, is_half)


def _without_compiled_operators(model: nn.Module) -> None:
    """Deformable convolutions in plain operations: their FLOPs are known, and they keep at least as much."""
    for module in model.modules():
        if isinstance(module, DeformConv2d):
            module._quickest = partial(_deform, module)  # type: ignore[method-assign]


def _deform(module: DeformConv2d, x: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    return deform_conv2d(x, offsets, module.weight, module.stride, module.padding)
