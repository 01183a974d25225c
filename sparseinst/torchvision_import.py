"""torchvision's transforms and their tensors, importable also beside a torch without CUDA.

Package indexes offer torchvision as a CUDA build. Beside a CPU build of torch its compiled operators cannot be loaded,
and its Python part then fails on import, because it registers things for operators `nms` and `qnms` that nobody has
declared. Declaring their schemas is enough for everything that needs no compiled operator. Who calls one all the same
is told that it has no implementation; `sparseinst.model.backbones.deformable` asks before it does.
"""

from __future__ import annotations

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    # The library must live as long as its declarations.
    _DECLARATIONS = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _DECLARATIONS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import tv_tensors
from torchvision.transforms.v2 import InterpolationMode, functional

__all__ = ["InterpolationMode", "functional", "tv_tensors"]
