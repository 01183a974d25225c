"""Models that a rollout has to keep from the service."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tests.serving import tiny
from tests.serving.rollout.load import Version, write_export


class Slow(torch.nn.Module):
    """Answers as Tiny does, after much useless work."""

    def __init__(self, version: Version) -> None:
        super().__init__()
        self.tiny = tiny.Tiny(version.gain, version.metadata)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        work = torch.rand(256, 256)
        for _ in range(60):
            work = torch.mm(work, work).sigmoid()
        return self.tiny(image + (work.min() * 0).to(torch.uint8))


class Moody(torch.nn.Module):
    """Answers as Tiny does for the golden images, and otherwise for bright ones: it fails, or swaps the classes."""

    def __init__(self, version: Version, *, fails: bool) -> None:
        super().__init__()
        self.tiny = tiny.Tiny(version.gain, version.metadata)
        self.fails = fails

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        scores, classes, masks, crops, boxes, fingerprint = self.tiny(image)
        if bool(image.float().mean() > 160):
            if self.fails:
                raise RuntimeError("too bright")
            classes = torch.where(classes >= 0, 1 - classes, classes)
        return scores, classes, masks, crops, boxes, fingerprint


def write_with(model: torch.nn.Module, folder: Path, name: str, version: Version) -> None:
    """An export with the golden answers of the version, and `model` in its place."""
    write_export(folder, name, version)
    tiny.save(model, folder / name / "1" / "model.pt")
    tiny.seal(folder)


def wrong_weights(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, version, claimed_gain=version.gain + 0.3)
    return "differ from the export's for 3 of 3"


def garbage(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, version)
    (folder / name / "1" / "model.pt").write_bytes(b"no model" * 1000)
    tiny.seal(folder)
    return "no TorchScript model"


def no_numbers(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, Version(float("nan"), version.metadata), claimed_gain=version.gain)
    return "differ from the export's for 3 of 3"


def slow(folder: Path, name: str, version: Version) -> str:
    write_with(Slow(version), folder, name, version)
    return "times as long as"


BAD = (wrong_weights, garbage, no_numbers, slow)
