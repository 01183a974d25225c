"""The network as it is served: norms folded into the convolutions, channels last, and in the format that is asked for.

Everything is plain operations that every torch has, on CPUs and GPUs, in Python and C++: one file serves them all.
"""

import copy

import torch
from torch import Tensor, fx, nn

from sparseinst.model.backbones.pvt import PyramidVisionTransformer
from sparseinst.model.inference.convolution import LEAKY_SLOPE, FusedConv
from sparseinst.model.inference.fuse import fuse
from sparseinst.model.inference.winograd import (
    input_transform,
    output_transform,
    taps_first,
    weight_transform,
    winograd,
)
from sparseinst.model.network import SparseInst

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

_Maps = tuple[Tensor, Tensor, Tensor]


def served_parts(
    model: SparseInst, dtype: torch.dtype, *, with_winograd: bool
) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Copies of the backbone, the encoder and the decoder that TorchScript can compile.

    The convolutions, nearly all of the work, are computed in `dtype`. What is left in float32 costs next to nothing:
    the weights of the activation maps and their sums, and the linear layers behind them.

    Args:
        model: In `eval()` mode, on the CPU.
        dtype: Of the convolutions.
        with_winograd: On CPUs, large convolutions of the encoder and the decoder are computed by Winograd's
            algorithm; for float32 only.
    """
    backbone, encoder, decoder = (copy.deepcopy(part) for part in (model.backbone, model.encoder, model.decoder))
    if isinstance(backbone, PyramidVisionTransformer):
        first: nn.Module = backbone.to(dtype)  # made of linear layers: nothing to fold
    else:
        first = _plain(fuse(backbone, dtype), Tensor, _Maps, with_winograd=False)
    return (
        Backbone(first, dtype).eval(),
        _plain(fuse(encoder, dtype), _Maps, Tensor, with_winograd=with_winograd),
        _plain(fuse(decoder, dtype), Tensor, _Maps, with_winograd=with_winograd),
    )


class Backbone(nn.Module):
    """A backbone that gets its input in its own format, channels last, as the kernels of convolutions want it."""

    def __init__(self, backbone: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.backbone, self.dtype = backbone, dtype

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.backbone(x.to(self.dtype).contiguous(memory_format=torch.channels_last))


class ServedConv(nn.Module):
    """activation(conv(x) + bias [+ other]), with as few passes over memory as plain operations allow."""

    weight: Tensor  # real types: TorchScript cannot read annotations that are kept as text
    bias: Tensor | None

    def __init__(self, conv: FusedConv) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation = list(conv.stride), list(conv.padding), list(conv.dilation)
        self.groups = int(conv.groups)
        self.relu, self.leaky = conv.activation == "relu", conv.activation == "leaky_relu"
        self.slope = LEAKY_SLOPE
        self.register_buffer("weight", conv.weight.detach())
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        x = x.to(self.weight.dtype)
        out = torch.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        if other is not None:
            out = out.add_(other)
        if self.relu:
            out = out.relu_()
        if self.leaky:
            out = nn.functional.leaky_relu(out, self.slope)
        return out


class ServedWinograd(nn.Module):
    """activation(conv(x) + bias) for a large 3x3 convolution: by Winograd's algorithm on a CPU, else as it is.

    The weights are transformed anew at each call: that costs a tenth of what the algorithm saves; kept transformed,
    they would make the file of a ResNet-50 grow from 131 to 235 MB, and the memory of each instance with it.
    """

    taps: Tensor
    bias: Tensor | None
    matrix_weight: Tensor
    matrix_in: Tensor
    matrix_out: Tensor

    def __init__(self, conv: FusedConv) -> None:
        super().__init__()
        self.relu = conv.activation == "relu"
        self.outputs, self.inputs = conv.weight.shape[0], conv.weight.shape[1]
        self.least_cells = 28 * 28  # of a map; with fewer, the transforms cost more than they save
        self.register_buffer("taps", taps_first(conv.weight.detach()))
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())
        self.register_buffer("matrix_weight", weight_transform())
        self.register_buffer("matrix_in", input_transform())
        self.register_buffer("matrix_out", output_transform())

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or x.shape[2] * x.shape[3] < self.least_cells:
            weight = self.taps.view(3, 3, self.inputs, self.outputs).permute(3, 2, 0, 1)
            out = torch.conv2d(x, weight, self.bias, padding=[1, 1])
            return out.relu_() if self.relu else out
        # `to(x)` changes nothing, but without it freezing would compute the product and store it.
        weight = torch.matmul(self.matrix_weight.to(x), self.taps).view(36, self.inputs, self.outputs)
        return winograd(x, weight, self.bias, self.matrix_in, self.matrix_out, self.relu)


def suits_winograd(conv: FusedConv) -> bool:
    """Whether it is a 3x3 convolution of so many channels that Winograd's algorithm pays."""
    geometry = (tuple(conv.weight.shape[2:]), tuple(conv.stride), tuple(conv.padding), tuple(conv.dilation))
    plain = geometry == ((3, 3), (1, 1), (1, 1), (1, 1)) and conv.activation in ("none", "relu")
    return plain and conv.groups == 1 and min(conv.weight.shape[:2]) >= 128


def _plain(module: fx.GraphModule, takes: object, gives: object, *, with_winograd: bool) -> fx.GraphModule:
    """Puts convolutions of plain operations in the place of the fused ones.

    Args:
        module: What `fuse` made; it is changed.
        takes: The type of its argument, which tracing keeps as text only.
        gives: The type of its result.
        with_winograd: Whether Winograd's algorithm may be used.
    """
    for node in module.graph.nodes:
        if node.op == "call_module":
            fused = module.get_submodule(str(node.target))
            if isinstance(fused, FusedConv):
                quick = with_winograd and len(node.args) == 1 and suits_winograd(fused)
                module.set_submodule(str(node.target), ServedWinograd(fused) if quick else ServedConv(fused))
        node.type = takes if node.op == "placeholder" else gives if node.op == "output" else None
    module.recompile()
    return module.eval()
