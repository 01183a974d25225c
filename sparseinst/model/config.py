"""What a SparseInst network looks like; the defaults are the authors' (hustvl/SparseInst a899015, config.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sparseinst.errors import ConfigError

Backbone = Literal[
    "resnet18",
    "resnet50",
    "resnet101",
    "resnet50_vd",
    "pvt_v2_b1",
    "pvt_v2_b2_linear",
    "cspdarknet53",
    "darknet53",
]
Norm = Literal["frozen_bn", "bn"]
Decoder = Literal["base", "group", "group_soft"]
MaskScale = Literal[1, 2, 4, 8]

_SIZES = ("backbone_width", "groups", "num_masks", "kernel_dim", "instance_dim", "mask_dim", "max_detections")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The architecture. The number of classes is not part of it: it comes from the data."""

    name: str = "sparse_inst_r50_giam"

    backbone: Backbone = "resnet50"
    backbone_width: int = 64  # channels of the stem; the stages have 1, 2, 4 and 8 times as many (ResNet-50: times 4)
    deformable: bool = False  # deformable 3x3 convolutions in the last two stages (ResNets with bottlenecks)
    norm: Norm = "frozen_bn"  # "bn" learns its statistics: needed where training starts from random weights

    encoder_channels: int = 256

    decoder: Decoder = "group"
    groups: int = 4  # activation maps per query (group decoders)
    num_masks: int = 100  # queries: the most objects that one image can give
    kernel_dim: int = 128  # length of a mask kernel
    instance_dim: int = 256
    instance_convs: int = 4
    class_init_std: float = 0.01  # of the class layer's first weights; more lets random features learn classes sooner
    mask_dim: int = 256
    mask_convs: int = 4
    mask_scale: MaskScale = 2  # masks are drawn at 1/8 of the image and enlarged this many times; more: finer outlines

    score_threshold: float = 0.005  # instances whose class score is not above it are dropped
    mask_threshold: float = 0.45  # a pixel is inside the object above this probability
    max_detections: int = 100  # the best-scored instances that are kept per image

    def __post_init__(self) -> None:
        if self.deformable and self.backbone not in ("resnet50", "resnet101", "resnet50_vd"):
            raise ConfigError(
                f"{self.backbone} has no deformable form.",
                where="model.deformable",
                fix="Choose resnet50, resnet101 or resnet50_vd, or leave it false.",
            )
        if self.decoder != "base" and self.instance_dim % self.groups:
            raise ConfigError(
                f"{self.instance_dim} channels cannot be shared by {self.groups} groups.",
                where="model.instance_dim, model.groups",
                fix="Choose groups that divide instance_dim.",
            )
        for name in ("score_threshold", "mask_threshold"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{value} is no threshold.", where=f"model.{name}", fix="Give 0 to 1.")
        for name in _SIZES:
            value = getattr(self, name)
            if value < 1:
                raise ConfigError(f"{value} is too small.", where=f"model.{name}", fix="Give at least 1.")
