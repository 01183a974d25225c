"""The second format: torch.export's, which is to follow TorchScript. The same answers from a <name>.pt2.

The program wants its images padded already, because sizes must be known as multiples of 32 when it is exported;
`load_program` gives a function that pads and keeps the limits, so that callers see the tensor contract.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.export.passes import move_to_device_pass
from torch.nn import functional as F

from sparseinst.errors import ExportError
from sparseinst.export.contract import METADATA_KEY, PIXEL_MULTIPLE, metadata_text, round_up
from sparseinst.export.torchscript import ServedModel
from sparseinst.files import atomic_path
from sparseinst.model.network import SparseInst

SUFFIX = ".pt2"

_METADATA_FILE = f"{METADATA_KEY}.json"
_LEAST = 2 * PIXEL_MULTIPLE  # of a padded side: torch.export makes a program of its own for maps of one cell
_MOST_CELLS = 1024  # multiples of 32 along a side
_MOST_IMAGES = 1024

Answer = tuple[Tensor, ...]


class PaddedModel(nn.Module):
    """The served model for images that lie at the top left of a larger tensor."""

    def __init__(self, served: ServedModel) -> None:
        super().__init__()
        self.served = served

    def forward(self, image: Tensor, size: Tensor) -> Answer:
        """uint8 [B, 3, H, W], H and W multiples of 32, and int64 [2], the height and width that are image, to the
        contract's outputs. What lies outside does not matter.
        """
        x = (image.float() - self.served.pixel_mean) / self.served.pixel_std
        rows = torch.arange(image.shape[2], device=image.device) < size[0]
        columns = torch.arange(image.shape[3], device=image.device) < size[1]
        x = torch.where(rows[:, None] & columns[None, :], x, torch.zeros_like(x))
        return self.served.detect(x)


def torch_export(model: SparseInst, metadata: Mapping[str, Any]) -> ExportedProgram:
    """The served model as an exported program of any batch and size.

    Args:
        model: In `eval()` mode, on the CPU.
        metadata: What the export says about the model.

    Raises:
        ExportError: torch.export cannot follow this model.
    """
    padded = PaddedModel(ServedModel(model, metadata, with_winograd=False)).eval()
    sides = [PIXEL_MULTIPLE * Dim(name, min=2, max=_MOST_CELLS) for name in ("height", "width")]
    example = torch.zeros((2, 3, 3 * PIXEL_MULTIPLE, 4 * PIXEL_MULTIPLE), dtype=torch.uint8), torch.tensor([90, 120])
    shapes = ({0: Dim("batch", min=1, max=_MOST_IMAGES), 2: sides[0], 3: sides[1]}, None)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(padded, example, dynamic_shapes=shapes, strict=False)
    except (RuntimeError, ValueError, AssertionError, torch._dynamo.exc.TorchDynamoException) as error:
        raise ExportError(
            f"torch.export cannot follow this model: {str(error).strip().splitlines()[0]}",
            where=str(metadata.get("model", "")),
            fix="Leave out --also torch-export: TorchScript, which Triton serves, does not need it.",
        ) from error


def save_program(program: ExportedProgram, path: Path, metadata: Mapping[str, Any]) -> None:
    """Writes the program with its metadata inside."""
    with atomic_path(path) as temporary, temporary.open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program, file, extra_files={_METADATA_FILE: metadata_text(metadata)})


def load_program(path: Path, device: str = "cpu") -> tuple[Callable[[Tensor], Answer], dict[str, Any]]:
    """A function from images (uint8 [B, 3, H, W] on the device) to the contract's outputs, and the metadata.

    The function raises a ValueError for images that the program does not take.

    Raises:
        ExportError: The file is missing, no exported program, or holds no metadata of this project.
    """
    extra = {_METADATA_FILE: ""}
    try:
        if not zipfile.is_zipfile(path):  # torch would print its own stack
            raise ValueError("no zip archive")
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(file, extra_files=extra)
        metadata: dict[str, Any] = json.loads(extra[_METADATA_FILE])
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        raise ExportError(
            f"This is no exported program ({str(error).splitlines()[0]}).",
            where=str(path),
            fix="Use a .pt2 that 'sparseinst export --also torch-export' wrote, by this torch or an older.",
        ) from error
    module = move_to_device_pass(program, device).module()
    most = int(metadata["max_pixels"])

    @torch.no_grad()
    def answer(images: Tensor) -> Answer:
        height, width = images.shape[2], images.shape[3]
        bottom, right = (max(_LEAST, round_up(side)) - side for side in (height, width))
        if min(height, width) <= PIXEL_MULTIPLE or (height + bottom) * (width + right) > most:
            raise ValueError(
                f"images of {width} x {height} pixels: this program takes sides of at least {PIXEL_MULTIPLE + 1} and "
                f"at most {most} pixels, padding included"
            )
        size = torch.tensor([height, width], device=images.device)
        outputs: Answer = module(F.pad(images, [0, right, 0, bottom]), size)
        return outputs

    return answer, metadata
