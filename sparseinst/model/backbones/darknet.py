"""DarkNet-53 and its cross-stage-partial form, CSPDarkNet-53.

Source:
    Redmon & Farhadi, "YOLOv3: An Incremental Improvement", 2018; Wang et al., "CSPNet: A New Backbone that can
    Enhance Learning Capability of CNN", CVPRW 2020. Parameter names and the leaky ReLU's slope (0.01, where darknet
    has 0.1) are those of the authors' checkpoints (hustvl/SparseInst a899015, sparseinst/backbones/cspnet.py).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.backbones.norm import make_norm

_CHANNELS = (64, 128, 256, 512, 1024)
_DEPTHS = (1, 2, 8, 8, 4)


class ConvNormAct(nn.Module):
    """A convolution without bias, its norm, a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, norm: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn = make_norm(norm, outputs)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.bn(self.conv(x)), 0.01)


class DarkBlock(nn.Module):
    """1x1 to `hidden` channels, 3x3 back, added to the input."""

    def __init__(self, channels: int, hidden: int, norm: str) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(channels, hidden, 1, norm=norm)
        self.conv2 = ConvNormAct(hidden, channels, 3, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))


class DarkStage(nn.Module):
    """Halves the sides, then `depth` blocks."""

    def __init__(self, inputs: int, outputs: int, depth: int, norm: str) -> None:
        super().__init__()
        self.conv_down = ConvNormAct(inputs, outputs, 3, stride=2, norm=norm)
        self.blocks = nn.Sequential(*(DarkBlock(outputs, outputs // 2, norm) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.conv_down(x))


class CspStage(nn.Module):
    """Halves the sides; then one half of the channels goes through `depth` blocks, and the other one past them."""

    def __init__(self, inputs: int, outputs: int, depth: int, norm: str, *, is_first: bool) -> None:
        super().__init__()
        # The first stage is twice as wide inside, and its blocks have a bottleneck.
        half = outputs if is_first else outputs // 2
        self.conv_down = ConvNormAct(inputs, outputs, 3, stride=2, norm=norm)
        self.conv_exp = ConvNormAct(outputs, 2 * half, 1, norm=norm)
        self.blocks = nn.Sequential(*(DarkBlock(half, half // 2 if is_first else half, norm) for _ in range(depth)))
        self.conv_transition_b = ConvNormAct(half, half, 1, norm=norm)
        self.conv_transition = ConvNormAct(2 * half, outputs, 1, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        passed, worked = self.conv_exp(self.conv_down(x)).chunk(2, dim=1)
        worked = self.conv_transition_b(self.blocks(worked))
        return self.conv_transition(torch.cat([passed, worked], dim=1))


class Stem(nn.Module):
    """A 3x3 convolution at full size."""

    def __init__(self, norm: str) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(3, 32, 3, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(x)


class DarkNet(nn.Module):
    """Gives the features at strides 8, 16 and 32.

    Attributes:
        out_channels: Channels of the three outputs, fine to coarse.
    """

    out_channels = _CHANNELS[2:]

    def __init__(self, *, cross_stage: bool, norm: str = "bn") -> None:
        super().__init__()
        self.stem = Stem(norm)
        stages: list[nn.Module] = []
        inputs = 32
        for index, (outputs, depth) in enumerate(zip(_CHANNELS, _DEPTHS, strict=True)):
            if cross_stage:
                stages.append(CspStage(inputs, outputs, depth, norm, is_first=index == 0))
            else:
                stages.append(DarkStage(inputs, outputs, depth, norm))
            inputs = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, H, W] to three maps of [B, out_channels[i], H / s, W / s] with s = 8, 16, 32."""
        x = self.stem(x)
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[2], maps[3], maps[4]
