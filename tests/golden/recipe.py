"""The weights, images and targets that the golden figures were computed from, made again from names alone.

Every tensor is drawn from a legacy Mersenne stream seeded with the CRC-32 of its name, in float64, and cast once.
"""

from __future__ import annotations

import math
import re
import zlib

import numpy as np
import torch
from torch import nn

from sparseinst.data.loading.example import Target

_LAST_NORM = re.compile(r"(conv3\.norm|bn3|conv3\.bn|blocks\.\d+\.conv2\.bn)\.weight$")
_CONV_GAINS = {"iam_conv.weight": 8.0, "projection.weight": 1.0}
_LINEAR_GAINS = {
    "cls_score.weight": 2.0,
    "objectness.weight": 8.0,
    "mask_kernel.weight": 0.3,
    "fc.weight": math.sqrt(2),
}
_LATERAL_GAINS = {"cspdarknet53": 0.01, "darknet53": 0.004, "r101": 0.004, "pvt": 0.16}  # by a word in the name
_LATERAL_GAIN = 0.04  # of the others: R-50, R-50-vd


def lateral_gain(name: str) -> float:
    """The gain of the encoder's lateral convolutions, chosen so that each backbone's maps give sensible logits."""
    return next((gain for word, gain in _LATERAL_GAINS.items() if word in name), _LATERAL_GAIN)


def golden_state(model: nn.Module, name: str, lateral: float | None = None) -> dict[str, torch.Tensor]:
    """A value for every entry of the model's state dict; the lateral gain is that of the name unless it is given."""
    gain = lateral_gain(name) if lateral is None else lateral
    return {key: torch.from_numpy(_value(key, tuple(t.shape), gain)) for key, t in model.state_dict().items()}


def golden_images() -> list[torch.Tensor]:
    """A: 256 x 320, B: 240 x 300 (padded to A's size in a batch); uint8 RGB [3, h, w]."""
    return [torch.from_numpy(_image(f"image/{tag}", *size)) for tag, size in (("A", (256, 320)), ("B", (240, 300)))]


def golden_targets() -> list[Target]:
    """A: a rectangle, a disc, an L. B: an ellipse, a rectangle of 6 x 5 pixels."""
    y, x = np.mgrid[:256, :320]
    rectangle = (y >= 20) & (y < 120) & (x >= 30) & (x < 150)
    disc = (y - 170) ** 2 + (x - 220) ** 2 <= 60**2
    corner = ((y >= 140) & (y < 250) & (x >= 10) & (x < 40)) | ((y >= 220) & (y < 250) & (x >= 10) & (x < 140))
    first = Target(torch.tensor([0, 17, 79]), torch.from_numpy(np.stack([rectangle, disc, corner])))
    y, x = np.mgrid[:240, :300]
    ellipse = 9 * (y - 100) ** 2 + 4 * (x - 150) ** 2 <= 4 * 120**2
    speck = (y >= 200) & (y < 206) & (x >= 250) & (x < 255)
    return [first, Target(torch.tensor([57, 3]), torch.from_numpy(np.stack([ellipse, speck])))]


def _stream(key: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(key.encode()))


def _value(key: str, shape: tuple[int, ...], lateral: float) -> np.ndarray:
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    z = 2 * _stream("s0/" + key).random_sample(shape) - 1
    affine = {"running_var": (1, 0.5), "running_mean": (0, 0.1), "softmax_bias": (1, 0.1), "bias": (0, 0.1)}
    if key.endswith("cls_score.bias"):
        base, spread = -4.5, 0.5
    elif key.endswith("iam_conv.bias"):
        base, spread = -2.0, 0.5
    elif leaf in affine:
        base, spread = affine[leaf]
    elif len(shape) == 1:
        base, spread = (0.4, 0.1) if _LAST_NORM.search(key) else (1.0, 0.2)
    else:
        base, spread = 0.0, math.sqrt(3) * _gain(key, shape, lateral) / math.sqrt(math.prod(shape[1:]))
    return (base + spread * z).astype(np.float32)


def _gain(key: str, shape: tuple[int, ...], lateral: float) -> float:
    if ".fpn_laterals." in key:
        return lateral
    gains, default = (_CONV_GAINS, math.sqrt(2)) if len(shape) == 4 else (_LINEAR_GAINS, 1.0)
    if key.endswith("fc.weight") and "inst_branch.fc" not in key:
        return 1.0
    return next((gain for end, gain in gains.items() if key.endswith(end)), default)


def _image(tag: str, height: int, width: int) -> np.ndarray:
    random = _stream(tag)

    def blocks(cell: int) -> np.ndarray:
        grid = random.randint(0, 256, size=(3, -(-height // cell), -(-width // cell)), dtype=np.int64)
        return grid.repeat(cell, axis=1).repeat(cell, axis=2)[:, :height, :width]

    coarse, fine = blocks(32), blocks(8)
    noise = random.randint(0, 256, size=(3, height, width), dtype=np.int64)
    return ((4 * coarse + 3 * fine + noise) // 8).astype(np.uint8)
