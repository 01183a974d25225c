"""A model that obeys the tensor contract and loads in no time, and exports of it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import text_format
from numpy.typing import NDArray
from torch import Tensor
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.export.contract import OUTPUTS, fingerprint
from sparseinst.export.crops import Crops
from sparseinst.export.repository import DEFAULT, labels, triton_config
from sparseinst.manifest import write_manifest

METADATA = {
    "model": "tiny",
    "categories": [{"id": 1, "name": "bright"}, {"id": 5, "name": "dark"}],
    "short_side": 64,
    "longest_side": 96,
    "instances": 3,
    "mask_threshold": 0.45,
    "max_pixels": 4096 * 1024,
    "checkpoint_sha256": "0" * 64,
    "version_of_code": "test",
}
GOLDEN_SIZES = ((64, 64), (35, 71), (96, 40))


class Tiny(torch.nn.Module):
    """Two instances, what is bright and what is dark, and an empty slot. `gain` makes one model unlike another."""

    def __init__(self, gain: float, metadata: Mapping[str, Any] = METADATA) -> None:
        super().__init__()
        self.gain = gain
        self.crops = Crops()
        self.register_buffer("fingerprint", torch.tensor(list(fingerprint(metadata)), dtype=torch.uint8))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        height, width = 32 * ((image.shape[2] + 31) // 32), 32 * ((image.shape[3] + 31) // 32)
        grey = image.float().mean(1, keepdim=True)
        grey = torch.nn.functional.pad(grey, (0, width - image.shape[3], 0, height - image.shape[2]))
        light = torch.nn.functional.avg_pool2d(grey, 4)
        masks = torch.cat([light, 255 - light, torch.zeros_like(light)], 1).round().to(torch.uint8)
        level = self.gain * light.mean((1, 2, 3)) / 255
        scores = torch.stack([0.5 + level / 4, 0.5 - level / 4, torch.zeros_like(level)], 1)
        classes = torch.tensor([0, 1, -1]).expand(image.shape[0], 3)
        crops, boxes = self.crops(masks, masks.float())
        return scores, classes, masks, crops.round().to(torch.uint8), boxes, self.fingerprint.expand(image.shape[0], -1)


def config(name: str, metadata: Mapping[str, Any] = METADATA, *, version: int = 1) -> str:
    """config.pbtxt as an export has it, but for one process: two take twice as long to load.

    One alone sleeps half a second now and then where its queue has a bound (docs/serving.md): this queue has none.
    """
    text = triton_config(name, metadata, version=version, service=replace(DEFAULT, instances=1))
    parsed = text_format.Parse(text, ModelConfig())
    parsed.dynamic_batching.Clear()
    return str(text_format.MessageToString(parsed, as_utf8=True))


def random_images(batch: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """uint8, [batch, 3, height, width]."""
    return np.random.default_rng(seed).integers(0, 256, (batch, 3, height, width), np.uint8)


def save(module: torch.nn.Module, path: Path) -> torch.jit.ScriptModule:
    """Scripts a module into a file; gives the script back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(module.eval())
        torch.jit.save(scripted, str(path))
    return scripted


def write_export(
    directory: Path,
    name: str,
    *,
    gain: float = 1.0,
    claimed_gain: float | None = None,
    metadata: Mapping[str, Any] = METADATA,
) -> Path:
    """An export of Tiny(gain) as `sparseinst export` lays it out; its golden answers are those of `claimed_gain`."""
    scripted = save(Tiny(gain, metadata), directory / name / "1" / "model.pt")
    if claimed_gain is not None:
        scripted = save(Tiny(claimed_gain, metadata), directory / "claimed.pt")
        (directory / "claimed.pt").unlink()
    (directory / name / "labels.txt").write_text(labels(metadata))
    (directory / name / "config.pbtxt").write_text(config(name, metadata))
    arrays = {}
    for index, (height, width) in enumerate(GOLDEN_SIZES):
        image = random_images(1, height, width, seed=index)
        answer = scripted(torch.from_numpy(image))
        arrays |= {f"image_{index}": image[0]}
        arrays |= {f"{spec.name}_{index}": tensor[0].numpy() for spec, tensor in zip(OUTPUTS, answer, strict=True)}
    np.savez_compressed(directory / "golden.npz", **arrays)
    return seal(directory)


def seal(directory: Path, **inputs: str) -> Path:
    """Writes the export's manifest over the files that are there."""
    files = [path for path in directory.rglob("*") if path.is_file() and path.name != "manifest.json"]
    write_manifest(directory, kind="export", inputs=inputs, settings={}, files=files)
    return directory


def copy_export(source: Path, directory: Path) -> Path:
    shutil.copytree(source, directory)
    return directory
