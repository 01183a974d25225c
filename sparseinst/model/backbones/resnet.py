"""ResNet-18/50/101 in the "pytorch style" (the stride of a bottleneck sits in its 3x3 convolution).

Source:
    He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. Parameter names are those of the authors'
    checkpoints (stem.conv1, res2 .. res5, shortcut); the numbers equal torchvision's layer1 .. layer4.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.backbones.deformable import DeformConvNorm, offset_conv
from sparseinst.model.backbones.norm import ConvNorm

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


class Stem(nn.Module):
    """Image to stride 4: 7x7 convolution of stride 2, then max pooling of stride 2."""

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, width, 7, stride=2, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.conv1(x)), kernel_size=3, stride=2, padding=1)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (ResNet-18)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, norm: str) -> None:
        super().__init__()
        self.shortcut = _shortcut(inputs, width, stride, norm)
        self.conv1 = ConvNorm(inputs, width, 3, stride=stride, norm=norm)
        self.conv2 = ConvNorm(width, width, 3, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(F.relu(self.conv1(x)))
        return F.relu(out + self.shortcut(x))


class BottleneckBlock(nn.Module):
    """1x1 to fewer channels, 3x3, 1x1 to four times as many, beside a shortcut (ResNet-50 and deeper)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, norm: str) -> None:
        super().__init__()
        self.shortcut = _shortcut(inputs, width * self.expansion, stride, norm)
        self.conv1 = ConvNorm(inputs, width, 1, norm=norm)
        self.add_middle(width, stride, norm)
        self.conv3 = ConvNorm(width, width * self.expansion, 1, norm=norm)

    def add_middle(self, width: int, stride: int, norm: str) -> None:
        self.conv2 = ConvNorm(width, width, 3, stride=stride, norm=norm)

    def middle(self, x: Tensor) -> Tensor:
        return self.conv2(x)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x))
        out = self.conv3(F.relu(self.middle(out)))
        return F.relu(out + self.shortcut(x))


class DeformBottleneckBlock(BottleneckBlock):
    """A bottleneck whose 3x3 convolution is deformable."""

    def add_middle(self, width: int, stride: int, norm: str) -> None:
        self.conv2_offset = offset_conv(width, 3, stride)
        self.conv2 = DeformConvNorm(width, width, 3, stride=stride, norm=norm)  # type: ignore[assignment]

    def middle(self, x: Tensor) -> Tensor:
        return self.conv2(x, self.conv2_offset(x))


class ResNet(nn.Module):
    """Gives the features at strides 8, 16 and 32.

    Attributes:
        out_channels: Channels of the three outputs, fine to coarse.
    """

    def __init__(
        self, depth: str, *, width: int = 64, norm: str = "frozen_bn", deformable_stages: tuple[int, ...] = ()
    ) -> None:
        """`deformable_stages` names the stages (2 to 5, as in res2 .. res5) whose bottlenecks are deformable."""
        super().__init__()
        plain = BasicBlock if depth == "resnet18" else BottleneckBlock
        stages: list[nn.Sequential] = []
        inputs = width
        for index, count in enumerate(BLOCKS[depth]):
            block = DeformBottleneckBlock if index + 2 in deformable_stages else plain
            stage_width, stride = width * 2**index, 1 if index == 0 else 2
            layers: list[nn.Module] = []
            for i in range(count):
                layers.append(block(inputs, stage_width, stride if i == 0 else 1, norm))
                inputs = stage_width * block.expansion
            stages.append(nn.Sequential(*layers))
        self.stem = Stem(width, norm)
        self.res2, self.res3, self.res4, self.res5 = stages
        self.out_channels = tuple(width * 2**index * plain.expansion for index in (1, 2, 3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, H, W] to three maps of [B, out_channels[i], H / s, W / s] with s = 8, 16, 32."""
        res3 = self.res3(self.res2(self.stem(x)))
        res4 = self.res4(res3)
        return res3, res4, self.res5(res4)


def _shortcut(inputs: int, outputs: int, stride: int, norm: str) -> nn.Module:
    """A projection where the shape changes; nothing (and no parameters) where it does not."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return ConvNorm(inputs, outputs, 1, stride=stride, norm=norm)
