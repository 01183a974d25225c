"""A model made ready for inference alone."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from sparseinst.model.backbones.pvt import PyramidVisionTransformer
from sparseinst.model.inference.fuse import fuse
from sparseinst.model.network import SparseInst


def prepare_for_inference(
    model: SparseInst, dtype: torch.dtype = torch.float32, *, winograd: bool = True
) -> SparseInst:
    """A copy of a model that gives the same answers sooner; it cannot be trained, saved or moved.

    Norms are folded into convolutions; convolutions, sums and activations are done in one pass, with the channels last;
    on a CPU the weights are brought into oneDNN's own order once. In float32 the raw outputs move by less than 1e-4.

    Args:
        model: On the device where the copy is to run.
        dtype: torch.bfloat16 halves the time on CPUs and GPUs that have it; class probabilities and masks then move by
            about 0.01, which rounding to 8 bits costs.
        winograd: On a CPU in float32, large convolutions of the encoder and the decoder are computed with a quarter of
            the multiplications: a fifth less time, 80 MB more memory. The backbone's are not: rounding would add up
            over its layers.
    """
    winograd = winograd and dtype is torch.float32 and next(model.parameters()).device.type == "cpu"
    prepared = copy.deepcopy(model).eval().requires_grad_(False)
    with torch.no_grad():
        if isinstance(prepared.backbone, PyramidVisionTransformer):
            backbone: nn.Module = _Autocast(prepared.backbone, dtype)  # made of linear layers: nothing to fuse
        else:
            backbone = fuse(prepared.backbone, dtype)
        prepared.backbone = _ChannelsLast(backbone)  # type: ignore[assignment]
        prepared.encoder = fuse(prepared.encoder, dtype, winograd=winograd)  # type: ignore[assignment]
        prepared.decoder = fuse(prepared.decoder, dtype, winograd=winograd)  # type: ignore[assignment]
    return prepared


class _ChannelsLast(nn.Module):
    """A backbone whose input lies channels last, as the kernels of convolutions want it."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps: tuple[Tensor, Tensor, Tensor] = self.backbone(x.contiguous(memory_format=torch.channels_last))
        return maps


class _Autocast(nn.Module):
    """A network whose matrix products are computed in another dtype."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(x.device.type, self.dtype, enabled=self.dtype is not torch.float32):
            maps: tuple[Tensor, Tensor, Tensor] = self.network(x)
        return maps
