"""ResNet-50-vd: a stem of three small convolutions, and shortcuts that average where they shrink.

Source:
    He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks", CVPR 2019 (ResNet-D).
    Parameter names are timm's (resnet50d), as in the authors' checkpoints.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.backbones.deformable import DeformConv2d, offset_conv
from sparseinst.model.backbones.norm import make_norm

_BLOCKS = (3, 4, 6, 3)
_EXPANSION = 4


class VdBlock(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int, norm: str) -> None:
        super().__init__()
        outputs = width * _EXPANSION
        self.conv1 = _conv(inputs, width, 1)
        self.bn1 = make_norm(norm, width)
        self.add_middle(width, stride)
        self.bn2 = make_norm(norm, width)
        self.conv3 = _conv(width, outputs, 1)
        self.bn3 = make_norm(norm, outputs)
        self.downsample = _shortcut(inputs, outputs, stride, norm)

    def add_middle(self, width: int, stride: int) -> None:
        self.conv2 = _conv(width, width, 3, stride)

    def middle(self, x: Tensor) -> Tensor:
        return self.conv2(x)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.middle(out)))
        return F.relu(self.bn3(self.conv3(out)) + self.downsample(x))


class DeformVdBlock(VdBlock):
    """The block with a deformable 3x3 convolution."""

    def add_middle(self, width: int, stride: int) -> None:
        self.conv2_offset = offset_conv(width, 3, stride)
        self.conv2 = DeformConv2d(width, width, 3, stride=stride)  # type: ignore[assignment]

    def middle(self, x: Tensor) -> Tensor:
        return self.conv2(x, self.conv2_offset(x))


class ResNetVd(nn.Module):
    """Gives the features at strides 8, 16 and 32.

    Attributes:
        out_channels: Channels of the three outputs, fine to coarse.
    """

    out_channels = (512, 1024, 2048)

    def __init__(self, *, norm: str = "frozen_bn", deformable_stages: tuple[int, ...] = ()) -> None:
        """`deformable_stages` counts as in `ResNet`: 2 to 5, for layer1 .. layer4."""
        super().__init__()
        self.conv1 = nn.Sequential(
            _conv(3, 32, 3, stride=2),
            make_norm(norm, 32),
            nn.ReLU(),
            _conv(32, 32, 3),
            make_norm(norm, 32),
            nn.ReLU(),
            _conv(32, 64, 3),
        )
        self.bn1 = make_norm(norm, 64)
        stages: list[nn.Sequential] = []
        inputs = 64
        for index, count in enumerate(_BLOCKS):
            block = DeformVdBlock if index + 2 in deformable_stages else VdBlock
            width, stride = 64 * 2**index, 1 if index == 0 else 2
            layers: list[nn.Module] = []
            for i in range(count):
                layers.append(block(inputs, width, stride if i == 0 else 1, norm))
                inputs = width * _EXPANSION
            stages.append(nn.Sequential(*layers))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, H, W] to three maps of [B, out_channels[i], H / s, W / s] with s = 8, 16, 32."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), kernel_size=3, stride=2, padding=1)
        layer2 = self.layer2(self.layer1(x))
        layer3 = self.layer3(layer2)
        return layer2, layer3, self.layer4(layer3)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def _shortcut(inputs: int, outputs: int, stride: int, norm: str) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    pool = nn.Identity() if stride == 1 else nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(pool, _conv(inputs, outputs, 1), make_norm(norm, outputs))
