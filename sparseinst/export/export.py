"""A checkpoint becomes a Triton model repository, with the proof that it answers as the checkpoint does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sparseinst.errors import ConfigError, ExportError
from sparseinst.export.contract import CONFIG_FILE, LABELS_FILE, MODEL_FILE, max_pixels
from sparseinst.export.golden import GOLDEN_FILE, golden_images, write_golden
from sparseinst.export.parity import measure_parity
from sparseinst.export.repository import MAX_BATCH, labels, triton_config
from sparseinst.export.torchscript import load_script, save_script, script
from sparseinst.files import atomic_directory, write_json, write_text
from sparseinst.log import get_logger
from sparseinst.manifest import code_commit, write_manifest
from sparseinst.training.checkpoint import Checkpoint, load_checkpoint, restore_model

log = get_logger("export")

PARITY_FILE = "parity.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export made: the directory, the model's name in it, and what parity.json says."""

    repository: Path
    name: str
    parity: dict[str, Any]


def export(checkpoint: Path, output: Path, name: str = "sparseinst", photos: Sequence[Path] = ()) -> ExportResult:
    """Writes `output/<name>/{config.pbtxt, labels.txt, 1/model.pt}`, parity.json, golden.npz and manifest.json.

    `output` appears as a whole or not at all.

    Args:
        checkpoint: A checkpoint.pt.
        output: The directory to make; what was there is replaced.
        name: The model's name in Triton.
        photos: Image files that join the drawn golden images.

    Raises:
        ConfigError: The name cannot be a directory's and a model's name.
        SparseInstError: The checkpoint cannot be read.
        ExportError: TorchScript cannot compile the model, or the export answers differently.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name}' cannot be a model's name.", where="--name", fix="Use letters, digits, _ . and -")
    saved = load_checkpoint(checkpoint)
    model = restore_model(saved)
    metadata = describe(saved)
    images = golden_images(photos, saved.config.input.short_side, saved.config.input.longest_side)
    with atomic_directory(output) as temporary:
        model_file = temporary / name / "1" / MODEL_FILE
        save_script(script(model, metadata), model_file, metadata)
        scripted, _ = load_script(model_file)  # what is proven is the file, not the object it was written from
        parity = measure_parity(model, scripted, images)
        write_json(temporary / PARITY_FILE, parity)
        if not parity["passed"]:
            raise ExportError(
                f"The export does not answer as the checkpoint does: worst {parity['worst']}, "
                f"tolerated {parity['tolerances']}.",
                where=str(checkpoint),
                fix="Report this as a bug; nothing was written.",
            )
        write_golden(temporary / GOLDEN_FILE, scripted, images)
        write_text(temporary / name / LABELS_FILE, labels(metadata))
        write_text(temporary / name / CONFIG_FILE, triton_config(name, metadata))
        write_manifest(
            temporary,
            kind="export",
            inputs={"checkpoint": saved.sha256, **saved.data.inputs()},
            settings={"name": name, "torch": torch.__version__},
            files=[path for path in temporary.rglob("*") if path.is_file()],
            facts={"parity": parity["worst"], "instances_compared": parity["instances_compared"]},
        )
    worst = parity["worst"]
    log.info(
        "exported = eager over %d images: scores within %.1e, masks within %.3f %% of the pixels",
        len(parity["cases"]),
        worst["score"],
        100 * worst["mask"],
    )
    return ExportResult(output, name, parity)


def describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """The metadata that travels inside model.pt and config.pbtxt."""
    config = checkpoint.config
    short_side, longest_side = config.input.short_side, config.input.longest_side
    return {
        "model": config.model.name,
        "categories": [{"id": category.id, "name": category.name} for category in checkpoint.categories],
        "short_side": short_side,
        "longest_side": longest_side,
        "max_pixels": max_pixels(short_side, longest_side, MAX_BATCH),
        "instances": min(config.model.num_masks, config.model.max_detections),
        "score_threshold": config.model.score_threshold,
        "mask_threshold": config.model.mask_threshold,
        "checkpoint_sha256": checkpoint.sha256,
        "dataset_id": checkpoint.data.id,
        "data_version": checkpoint.data.version,
        "version_of_code": code_commit(),
        "torch": torch.__version__.partition("+")[0],
    }
