"""From a configuration to its backbone."""

from __future__ import annotations

from sparseinst.model.backbones.darknet import DarkNet
from sparseinst.model.backbones.pvt import PyramidVisionTransformer
from sparseinst.model.backbones.resnet import ResNet
from sparseinst.model.backbones.resnet_vd import ResNetVd
from sparseinst.model.config import ModelConfig

AnyBackbone = ResNet | ResNetVd | DarkNet | PyramidVisionTransformer

_DEFORMABLE_STAGES = (4, 5)


def build_backbone(config: ModelConfig) -> AnyBackbone:
    """The backbone with random weights. All have `out_channels` and give maps at strides 8, 16, 32."""
    deformable = _DEFORMABLE_STAGES if config.deformable else ()
    match config.backbone:
        case "resnet18" | "resnet50" | "resnet101":
            return ResNet(config.backbone, width=config.backbone_width, norm=config.norm, deformable_stages=deformable)
        case "resnet50_vd":
            return ResNetVd(norm=config.norm, deformable_stages=deformable)
        case "cspdarknet53" | "darknet53":
            return DarkNet(cross_stage=config.backbone == "cspdarknet53", norm=config.norm)
        case "pvt_v2_b1" | "pvt_v2_b2_linear":
            return PyramidVisionTransformer(config.backbone)
