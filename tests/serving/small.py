"""A real SparseInst network, as small as can be, whose graph has the limits of an export."""

from __future__ import annotations

from pathlib import Path

import torch

from sparseinst.export.repository import labels, triton_config
from sparseinst.export.torchscript import save_script, script
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from tests.serving import tiny

MAX_PIXELS = 4096
_CONFIG = ModelConfig(
    backbone="resnet18", backbone_width=8, norm="bn", encoder_channels=16, num_masks=8, instance_dim=16, mask_dim=16
)


def write_export(directory: Path, name: str) -> Path:
    """The model's folder, as `sparseinst export` lays it out: random weights, images of up to MAX_PIXELS pixels."""
    torch.manual_seed(0)
    model = SparseInst(_CONFIG, num_classes=2).eval()
    metadata = {**tiny.METADATA, "short_side": 32, "instances": 8, "max_pixels": MAX_PIXELS}
    folder = directory / name
    (folder / "1").mkdir(parents=True)
    save_script(script(model, metadata), folder / "1" / "model.pt", metadata)
    (folder / "labels.txt").write_text(labels(metadata))
    (folder / "config.pbtxt").write_text(triton_config(name, metadata))
    return folder
