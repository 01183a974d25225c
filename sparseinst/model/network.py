"""SparseInst: image to instances in one pass, without boxes, anchors or non-maximum suppression.

Source:
    Cheng et al., "Sparse Instance Activation for Real-Time Instance Segmentation", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparseinst.errors import SparseInstError
from sparseinst.masks.resample import Frame
from sparseinst.model.backbones.build import build_backbone
from sparseinst.model.config import ModelConfig
from sparseinst.model.decoder import Decoder
from sparseinst.model.encoder import InstanceContextEncoder
from sparseinst.model.postprocessing import DetectionOptions, Detections, detect
from sparseinst.model.preprocessing import batch_images, check_images, padded_size


class SparseInst(nn.Module):
    """The network with its pre- and post-processing.

    Legend: B images, N queries, K classes, H and W the sides of the padded batch in pixels.
    """

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.backbone = build_backbone(config)
        self.encoder = InstanceContextEncoder(self.backbone.out_channels, config.encoder_channels)
        self.decoder = Decoder(config, num_classes)

    def forward(self, images: Sequence[Tensor], padded: tuple[int, int] | None = None) -> dict[str, Tensor]:
        """The raw outputs for images of any sizes.

        Args:
            images: uint8 RGB tensors (3, h, w).
            padded: H and W; default: as small as these images allow.

        Returns:
            "pred_logits" [B, N, K] class logits, "pred_scores" [B, N, 1] objectness logits,
            "pred_masks" [B, N, H / 4, W / 4] mask logits.

        Raises:
            SparseInstError: An image is not uint8 RGB, or larger than `padded`.
        """
        batch = batch_images(images, padded)
        logits, objectness, masks = self.decoder(self.encoder(self.backbone(batch)))
        return {"pred_logits": logits, "pred_scores": objectness, "pred_masks": masks}

    @torch.no_grad()
    def predict(
        self,
        images: Sequence[Tensor],
        sizes: Sequence[tuple[int, int]] | None = None,
        options: DetectionOptions | None = None,
    ) -> list[Detections]:
        """The instances in each image. The caller puts the model into `eval()` mode.

        Args:
            images: uint8 RGB tensors (3, h, w), already resized for the model.
            sizes: Original (height, width) per image, the size of the masks; default: the images' own.
            options: What counts as an instance; default: what the model's configuration says.

        Raises:
            SparseInstError: An image is not uint8 RGB, or `sizes` does not fit `images`.
        """
        check_images(images)
        sizes = [(image.shape[1], image.shape[2]) for image in images] if sizes is None else sizes
        if len(sizes) != len(images) or any(len(size) != 2 or min(size) < 1 for size in sizes):
            raise SparseInstError(
                f"{len(images)} images came with the sizes {list(sizes)}.",
                where="predict(images, sizes)",
                fix="Give one (height, width) of at least 1 pixel per image.",
            )
        raw = self(images)
        padded, options = padded_size(images), options or DetectionOptions.of(self.config)
        return [
            detect(
                raw["pred_logits"][index],
                raw["pred_scores"][index],
                raw["pred_masks"][index],
                frame=Frame(padded, (image.shape[1], image.shape[2]), (int(size[0]), int(size[1]))),
                options=options,
            )
            for index, (image, size) in enumerate(zip(images, sizes, strict=True))
        ]


def build_model(config: str | ModelConfig, num_classes: int = 80) -> SparseInst:
    """A network with random weights, from a configuration or the name of one (`sparse_inst_r50_giam`).

    Raises:
        ConfigError: There is no such name.
    """
    if isinstance(config, str):
        from sparseinst.config import load_config

        config = load_config(config).model
    return SparseInst(config, num_classes)
