"""The images that the steps run in: one with the CPU's torch, and one with CUDA for steps that ask for GPUs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from components.image import IMAGE
from pipelines.platform.needs import StepNeeds


@dataclass(frozen=True, slots=True)
class Images:
    """Names that the cluster can pull, both from one Dockerfile (docs/images.md)."""

    components: str
    training: str

    def of(self, needs: StepNeeds) -> str:
        return self.training if needs.gpus else self.components


def images(components: str = IMAGE, training: str = "") -> Images:
    """The images as asked; `training` falls back on SPARSEINST_TRAINING_IMAGE, then on its usual name.

    Its usual name is that of the components' image with "training" in it: registry/sparseinst-training:1.2.
    """
    usual = components.replace("sparseinst-components", "sparseinst-training")
    return Images(components, training or os.environ.get("SPARSEINST_TRAINING_IMAGE") or usual)
