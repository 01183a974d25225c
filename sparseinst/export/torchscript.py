"""The network as one TorchScript graph that takes raw pixels and gives a fixed number of instances per image.

Legend: B images, N instances, H and W the sides of the images in pixels, h and w those of the mask grid.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.errors import ExportError
from sparseinst.export.contract import (
    MASK_CODE_SCALE,
    MASK_CODE_ZERO,
    METADATA_KEY,
    NO_INSTANCE,
    PIXEL_MULTIPLE,
    fingerprint,
    metadata_text,
)
from sparseinst.export.crops import Crops
from sparseinst.export.network import DTYPES, served_parts
from sparseinst.files import atomic_path
from sparseinst.model.network import SparseInst
from sparseinst.model.postprocessing import maskness, score_classes
from sparseinst.model.preprocessing import PIXEL_MEAN, PIXEL_STD

_METADATA_FILE = f"{METADATA_KEY}.json"


class ServedModel(nn.Module):
    """Normalises, pads, runs the network, scores, sorts and encodes: the tensor contract as a module."""

    pixel_mean: Tensor  # real types: TorchScript cannot read annotations that are kept as text
    pixel_std: Tensor
    fingerprint: Tensor

    def __init__(self, model: SparseInst, metadata: Mapping[str, Any], *, with_winograd: bool = True) -> None:
        """`metadata`: what the export says about the model; "max_pixels" and "dtype" (default float32) are used, and
        its fingerprint is kept.
        """
        super().__init__()
        dtype = DTYPES[metadata.get("dtype", "float32")]
        quick = with_winograd and dtype is torch.float32
        self.backbone, self.encoder, self.decoder = served_parts(model, dtype, with_winograd=quick)
        self.instances = min(model.config.num_masks, model.config.max_detections)
        self.score_threshold = model.config.score_threshold
        self.mask_threshold = model.config.mask_threshold
        self.multiple = PIXEL_MULTIPLE
        self.max_pixels = int(metadata["max_pixels"])
        self.code_zero, self.code_scale, self.no_instance = MASK_CODE_ZERO, MASK_CODE_SCALE, NO_INSTANCE
        self.crops = Crops()
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1))
        self.register_buffer("pixel_std", torch.tensor(PIXEL_STD).view(1, 3, 1, 1))
        self.register_buffer("fingerprint", torch.tensor(list(fingerprint(metadata)), dtype=torch.uint8))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """uint8 RGB [B, 3, H, W] to scores float32 [B, N], classes int64 [B, N], mask codes uint8 [B, N, h, w], crops
        of them uint8 [B, N, 60, 60], their boxes int32 [B, N, 6], fingerprint uint8 [B, 8].

        A batch of too many pixels is computed in parts: whatever Triton puts together, memory has a bound.
        """
        height, width = image.shape[2], image.shape[3]
        # With padding: a line of a million pixels is 32 lines of them to the network.
        pixels = (height + self.padding(height)) * (width + self.padding(width))
        if pixels > self.max_pixels or pixels == 0 or image.shape[1] != 3:
            raise ValueError(
                f"images of {image.shape[1]} channels and {width} x {height} pixels: this model takes 3 channels and "
                f"1 to {self.max_pixels} pixels, padding to multiples of {self.multiple} included"
            )
        part = max(1, self.max_pixels // pixels)
        answers: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]] = []
        for start in range(0, image.shape[0], part):
            answers.append(self.answer(image[start : start + part]))
        if len(answers) == 1:
            return answers[0]
        return (
            torch.cat([answer[0] for answer in answers]),
            torch.cat([answer[1] for answer in answers]),
            torch.cat([answer[2] for answer in answers]),
            torch.cat([answer[3] for answer in answers]),
            torch.cat([answer[4] for answer in answers]),
            torch.cat([answer[5] for answer in answers]),
        )

    def answer(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """`forward` without limits."""
        x = (image.float() - self.pixel_mean) / self.pixel_std
        return self.detect(F.pad(x, [0, self.padding(image.shape[3]), 0, self.padding(image.shape[2])]))

    def padding(self, side: int) -> int:
        """How many pixels a side lacks to the next multiple."""
        return (self.multiple - side % self.multiple) % self.multiple

    def detect(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Normalised and padded images, float32 [B, 3, H, W], to the outputs."""
        logits, objectness, mask_logits = self.decoder(self.encoder(self.backbone(x)))
        scores, classes = score_classes(logits, objectness)
        found = scores > self.score_threshold
        probabilities = mask_logits.float().sigmoid()
        scores = scores * maskness(probabilities, self.mask_threshold)
        # Empty slots rank below every instance, one with an empty mask and thus score 0 included.
        order = torch.where(found, scores, torch.full_like(scores, -1.0)).topk(self.instances, dim=1).indices
        found = found.gather(1, order)
        scores = scores.gather(1, order) * found.to(scores.dtype)
        classes = torch.where(found, classes.gather(1, order), torch.full_like(order, self.no_instance))
        grid = order[:, :, None, None].expand(-1, -1, probabilities.shape[2], probabilities.shape[3])
        chosen = probabilities.gather(1, grid)
        codes = self.encode(chosen)
        crops, boxes = self.crops(codes, chosen)
        return scores, classes, codes, self.encode(crops), boxes, self.fingerprint.expand(x.shape[0], -1)

    def encode(self, probabilities: Tensor) -> Tensor:
        """Probabilities to the contract's mask codes, uint8, same shape."""
        distance = probabilities - self.mask_threshold
        reach = torch.where(
            distance > 0,
            torch.full_like(distance, 1.0 - self.mask_threshold),
            torch.full_like(distance, self.mask_threshold),
        )
        companded = torch.sign(distance) * torch.sqrt(distance.abs() / reach)
        return (self.code_zero + self.code_scale * companded).round().clamp(0, 255).to(torch.uint8)


def script(model: SparseInst, metadata: Mapping[str, Any]) -> torch.jit.ScriptModule:
    """The served model as a frozen script. Scripted, not traced: any batch and size stays possible.

    Raises:
        ExportError: TorchScript cannot compile the model.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript is what Triton's backend loads
        try:
            served = ServedModel(model, metadata).eval()
            frozen: torch.jit.ScriptModule = torch.jit.freeze(torch.jit.script(served), optimize_numerics=False)
        except RuntimeError as error:
            raise ExportError(f"TorchScript cannot compile the model: {error}", fix="Report this as a bug.") from error
    return frozen


def save_script(scripted: torch.jit.ScriptModule, path: Path, metadata: Mapping[str, Any]) -> None:
    """Writes the script with its metadata inside."""
    extra = {_METADATA_FILE: metadata_text(metadata)}
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(scripted, str(temporary), _extra_files=extra)


def load_script(path: Path, device: str = "cpu") -> tuple[torch.jit.ScriptModule, dict[str, Any]]:
    """A script that `save_script` wrote, and its metadata.

    Raises:
        ExportError: The file is missing, no TorchScript, or holds no metadata of this project.
    """
    extra = {_METADATA_FILE: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            scripted = torch.jit.load(str(path), map_location=device, _extra_files=extra)
        metadata: dict[str, Any] = json.loads(extra[_METADATA_FILE])
    except (RuntimeError, ValueError, OSError) as error:
        raise ExportError(
            f"This is no exported model ({str(error).splitlines()[0]}).",
            where=str(path),
            fix="Use a model.pt that 'sparseinst export' wrote.",
        ) from error
    return scripted, metadata
