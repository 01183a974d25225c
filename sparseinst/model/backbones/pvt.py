"""Pyramid vision transformer, version 2: b1, and b2 with linear attention.

Legend: B images, L = h * w tokens of a map in row-major order, C channels.

Source:
    Wang et al., "PVT v2: Improved Baselines with Pyramid Vision Transformer", CVMJ 2022. Parameter names are those of
    the PVT authors' files (whai362/PVT, pvt_v2_b1.pth), as in the SparseInst authors' checkpoints.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_CHANNELS = (64, 128, 320, 512)
_HEADS = (1, 2, 5, 8)
_MLP_RATIOS = (8, 8, 4, 4)
_REDUCTIONS = (8, 4, 2, 1)  # by how much each side of the map shrinks before it becomes keys and values
_DROP_PATH = 0.1  # of the last block; it rises from 0 in equal steps
_DEPTHS = {"pvt_v2_b1": (2, 2, 2, 2), "pvt_v2_b2_linear": (3, 4, 6, 3)}


class PatchEmbed(nn.Module):
    """Overlapping patches to tokens: [B, C', H, W] to [B, L, C] with the sides divided by `stride`."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, channels, kernel, stride=stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(channels, eps=1e-5)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        x = self.proj(x)
        height, width = x.shape[2], x.shape[3]
        return self.norm(_to_tokens(x)), height, width


class DepthwiseConv(nn.Module):
    """A 3x3 convolution of each channel by itself, on tokens: [B, L, C] to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        return _to_tokens(self.dwconv(_to_map(x, height, width)))


class Mlp(nn.Module):
    """[B, L, C] to the same shape; the depthwise convolution inside tells tokens where they are."""

    def __init__(self, channels: int, hidden: int, *, linear: bool) -> None:
        super().__init__()
        self.linear = linear
        self.fc1 = nn.Linear(channels, hidden)
        self.dwconv = DepthwiseConv(hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = self.fc1(x)
        if self.linear:
            x = F.relu(x)
        return self.fc2(F.gelu(self.dwconv(x, height, width)))


class Attention(nn.Module):
    """Attention to a smaller copy of the map: [B, L, C] to the same shape."""

    def __init__(self, channels: int, heads: int, reduction: int, *, linear: bool) -> None:
        super().__init__()
        self.heads, self.linear = heads, linear
        self.reduces = linear or reduction > 1
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        side = 1 if linear else reduction
        self.sr = nn.Conv2d(channels, channels, side, stride=side) if self.reduces else nn.Identity()
        self.norm = nn.LayerNorm(channels, eps=1e-5) if self.reduces else nn.Identity()

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        batch, length, channels = x.shape
        q = self.q(x).view(batch, length, self.heads, -1).transpose(1, 2)
        source = self._reduce(x, height, width) if self.reduces else x
        kv = self.kv(source).view(batch, -1, 2, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, kv[0], kv[1])
        return self.proj(out.transpose(1, 2).reshape(batch, length, channels))

    def _reduce(self, x: Tensor, height: int, width: int) -> Tensor:
        x = _to_map(x, height, width)
        if self.linear:
            x = F.adaptive_avg_pool2d(x, (7, 7))
        x = self.norm(_to_tokens(self.sr(x)))
        return F.gelu(x) if self.linear else x


class DropPath(nn.Module):
    """Leaves a residual branch out for some images of a batch while training (Huang et al., ECCV 2016)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.keep = 1 - probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.keep == 1:
            return x
        kept = torch.empty((x.shape[0], 1, 1), dtype=x.dtype, device=x.device).bernoulli_(self.keep)
        return x * kept / self.keep


class Block(nn.Module):
    """Attention and MLP, each added to its input."""

    def __init__(
        self, channels: int, heads: int, mlp_ratio: int, reduction: int, drop_path: float, *, linear: bool
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = Attention(channels, heads, reduction, linear=linear)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = Mlp(channels, channels * mlp_ratio, linear=linear)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), height, width))
        return x + self.drop_path(self.mlp(self.norm2(x), height, width))


class PyramidVisionTransformer(nn.Module):
    """Gives the features at strides 8, 16 and 32.

    Attributes:
        out_channels: Channels of the three outputs, fine to coarse.
    """

    out_channels = _CHANNELS[1:]

    def __init__(self, name: str) -> None:
        super().__init__()
        depths, linear = _DEPTHS[name], name.endswith("linear")
        rates = torch.linspace(0, _DROP_PATH, sum(depths), device="cpu").split(depths)
        self.patch_embed1, self.block1, self.norm1 = _stage(0, 3, rates[0].tolist(), linear=linear)
        self.patch_embed2, self.block2, self.norm2 = _stage(1, _CHANNELS[0], rates[1].tolist(), linear=linear)
        self.patch_embed3, self.block3, self.norm3 = _stage(2, _CHANNELS[1], rates[2].tolist(), linear=linear)
        self.patch_embed4, self.block4, self.norm4 = _stage(3, _CHANNELS[2], rates[3].tolist(), linear=linear)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, H, W] to three maps of [B, out_channels[i], H / s, W / s] with s = 8, 16, 32."""
        tokens, height, width = self.patch_embed1(x)
        for block in self.block1:
            tokens = block(tokens, height, width)
        tokens, height, width = self.patch_embed2(_to_map(self.norm1(tokens), height, width))
        for block in self.block2:
            tokens = block(tokens, height, width)
        stride8 = _to_map(self.norm2(tokens), height, width)
        tokens, height, width = self.patch_embed3(stride8)
        for block in self.block3:
            tokens = block(tokens, height, width)
        stride16 = _to_map(self.norm3(tokens), height, width)
        tokens, height, width = self.patch_embed4(stride16)
        for block in self.block4:
            tokens = block(tokens, height, width)
        return stride8, stride16, _to_map(self.norm4(tokens), height, width)


def _stage(
    index: int, inputs: int, drop_paths: list[float], *, linear: bool
) -> tuple[PatchEmbed, nn.ModuleList, nn.LayerNorm]:
    channels, heads, ratio, reduction = _CHANNELS[index], _HEADS[index], _MLP_RATIOS[index], _REDUCTIONS[index]
    kernel, stride = (7, 4) if index == 0 else (3, 2)
    blocks = nn.ModuleList(Block(channels, heads, ratio, reduction, rate, linear=linear) for rate in drop_paths)
    return PatchEmbed(inputs, channels, kernel, stride), blocks, nn.LayerNorm(channels, eps=1e-6)


def _to_map(tokens: Tensor, height: int, width: int) -> Tensor:
    """[B, L, C] to [B, C, height, width]: the same memory, which holds a map with the channels last."""
    return tokens.reshape(tokens.shape[0], height, width, -1).permute(0, 3, 1, 2)


def _to_tokens(x: Tensor) -> Tensor:
    """[B, C, h, w] to [B, h * w, C]; where the channels are last it is the same memory."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _initialise(module: nn.Module) -> None:
    """Linear layers: truncated normal of deviation 0.02; convolutions: normal of variance 2 / fan_out; biases 0."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
        nn.init.zeros_(module.bias)
