"""Checkpoints: written under a temporary name and renamed, read without unpickling code.

`checkpoint.pt` and `best.pt` hold what evaluation and export need; the files in `state/` also hold what training needs
to go on (see `training/state`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparseinst.config import RunConfig, run_config_from
from sparseinst.data.categories import Category
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import SparseInstError, StorageError
from sparseinst.files import sha256_of_file, write_bytes
from sparseinst.model.network import SparseInst, build_model
from sparseinst.model.weights import load_weights, reading

BEST_NAME = "best.pt"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained model and what it was trained as.

    Attributes:
        weights: The model's state dict, on the CPU; the averaged weights where the run keeps an average.
        data: The data that it was trained on.
        training: Optimizer state and all else that training needs to go on; empty in a final checkpoint.
        sha256: Of the file; empty before it is written.
    """

    weights: Mapping[str, Tensor]
    config: RunConfig
    categories: Sequence[Category]
    iteration: int
    data: DataOrigin = field(default_factory=DataOrigin)
    training: Mapping[str, Any] | None = None
    sha256: str = ""


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint, whole or not at all.

    Raises:
        StorageError: The disk is full, or the folder cannot be written.
    """
    content = serialise(checkpoint)
    try:
        write_bytes(path, content)
    except OSError as error:
        raise StorageError(
            f"The checkpoint cannot be written: {error.strerror}.",
            where=f"{path} ({len(content) / 1e6:.0f} MB)",
            fix="Make room on its disk, or mend the folder's permissions. What was there before is still there.",
        ) from error


def serialise(checkpoint: Checkpoint) -> bytes:
    """The content of a checkpoint's file. In memory first: torch does not say why a file could not be written."""
    content = {
        "model": dict(checkpoint.weights),
        "config": checkpoint.config.to_dict(),
        "categories": [{"id": category.id, "name": category.name} for category in checkpoint.categories],
        "iteration": checkpoint.iteration,
        "dataset_id": checkpoint.data.id,
        "data_version": checkpoint.data.version,
    }
    if checkpoint.training is not None:
        content["training"] = dict(checkpoint.training)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint that this project wrote.

    Raises:
        SparseInstError: The file is missing, damaged, or another program's.
    """
    path = Path(path)
    if not path.is_file():
        raise SparseInstError(
            "There is no such checkpoint.", where=str(path), fix="Train one with 'sparseinst train', or mend the path."
        )
    with reading(path, "Use a checkpoint.pt that 'sparseinst train' or 'sparseinst convert' wrote."):
        content = torch.load(path, map_location="cpu", weights_only=True)
        return unpack_checkpoint(content, path, sha256_of_file(path))


def unpack_checkpoint(content: Mapping[str, Any], path: Path, sha256: str) -> Checkpoint:
    """The checkpoint in the content of a file that this project wrote."""
    return Checkpoint(
        weights=content["model"],
        config=run_config_from(content["config"], where=str(path)),
        categories=[Category(entry["id"], entry["name"]) for entry in content["categories"]],
        iteration=content["iteration"],
        data=DataOrigin(content["dataset_id"], content.get("data_version", "")),
        training=content.get("training"),
        sha256=sha256,
    )


def restore_model(checkpoint: Checkpoint) -> SparseInst:
    """The checkpoint's model with its weights, on the CPU, in `eval()` mode.

    Raises:
        SparseInstError: The weights do not fit the configuration.
    """
    model = build_model(checkpoint.config.model, len(checkpoint.categories))
    load_weights(model, checkpoint.weights, is_complete=True, quiet=True)
    return model.eval()
