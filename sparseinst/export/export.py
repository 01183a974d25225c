"""A checkpoint becomes a Triton model repository, with the proof that it answers as the checkpoint does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sparseinst.errors import ConfigError
from sparseinst.export.cases import FULL_BATCH
from sparseinst.export.contract import MODEL_FILE, max_pixels, round_up
from sparseinst.export.finite import refuse_non_finite
from sparseinst.export.front_door import write_front_door
from sparseinst.export.golden import GOLDEN_FILE, golden_images, write_golden
from sparseinst.export.network import DTYPES
from sparseinst.export.parity import Program
from sparseinst.export.proof import prove_parity, refusal
from sparseinst.export.repository import write_repository_texts
from sparseinst.export.torch_export import load_program, save_program, torch_export
from sparseinst.export.torchscript import load_script, save_script, script
from sparseinst.files import atomic_directory, write_json
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """How a checkpoint is exported."""

    name: str = "sparseinst"  # the model's name in Triton
    photos: Sequence[Path] = ()  # image files that join the drawn golden images
    dtype: str = "float32"  # of the convolutions; outputs keep their types
    max_pixels: int = 0  # of an image; 0: four megapixels, or a full batch of the model's own size
    with_torch_export: bool = False  # also <name>.pt2, beside the model's folder

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"'{self.name}' cannot be a model's name.", where="--name", fix="Use letters, digits, _ . and -"
            )
        if self.dtype not in DTYPES:
            raise ConfigError(f"There is no format '{self.dtype}'.", where="--dtype", fix=f"Use {', '.join(DTYPES)}.")
        if self.max_pixels < 0:
            raise ConfigError(f"{self.max_pixels} pixels are too few.", where="--max-pixels", fix="Give at least 1.")


def export(checkpoint: Path, output: Path, options: ExportOptions | None = None) -> ExportResult:
    """Writes `output/<name>/{config.pbtxt, configs/, labels.txt, 1/model.pt}`, the front door's folder, parity.json,
    golden.npz and manifest.json.

    `output` appears as a whole or not at all; what was there is replaced.

    Raises:
        ConfigError: An image of the model's own size has more pixels than `max_pixels`.
        SparseInstError: The checkpoint cannot be read.
        ExportError: Weights are not finite, the model cannot be compiled, or the export answers differently.
    """
    options = options or ExportOptions()
    saved = load_checkpoint(checkpoint)
    refuse_non_finite(saved.weights, str(checkpoint))
    model = restore_model(saved)
    metadata = describe(saved, dtype=options.dtype, most_pixels=options.max_pixels)
    images = golden_images(options.photos, metadata["short_side"], metadata["longest_side"])
    with atomic_directory(output) as temporary:
        folder = temporary / options.name
        save_script(script(model, metadata), folder / "1" / MODEL_FILE, metadata)
        write_repository_texts(folder, options.name, metadata)
        write_front_door(temporary, options.name, metadata)
        programs: list[tuple[str, str, Program]] = [
            ("TorchScript", device, _script(folder / "1" / MODEL_FILE, device)) for device in devices()
        ]
        if options.with_torch_export:
            file = temporary / f"{options.name}.pt2"
            save_program(torch_export(model, metadata), file, metadata)
            programs.append(("torch.export", "cpu", load_program(file)[0]))
        # What is proven are the files, not the objects that they were written from.
        parity = prove_parity(model, programs, images, metadata)
        write_json(temporary / PARITY_FILE, parity)
        if not parity["passed"]:
            raise refusal(parity, str(checkpoint))
        write_golden(temporary / GOLDEN_FILE, _script(folder / "1" / MODEL_FILE, "cpu"), images)
        write_manifest(
            temporary,
            kind="export",
            inputs={"checkpoint": saved.sha256, **saved.data.inputs()},
            settings={"name": options.name, "dtype": options.dtype, "torch": torch.__version__},
            files=[path for path in temporary.rglob("*") if path.is_file()],
            facts={"parity": parity["worst"], "instances_compared": parity["instances_compared"]},
        )
    worst = parity["worst"]
    log.info(
        "exported = trained over %d images: scores within %.1e, probabilities within %.1e, masks within %.3f %%",
        *(len(parity["cases"]), worst["score"], worst["probability"], 100 * worst["mask"]),
    )
    return ExportResult(output, options.name, parity)


def devices() -> list[str]:
    """What parity is proven on: the CPU, and the GPU where there is one."""
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def _script(path: Path, device: str) -> torch.jit.ScriptModule:
    return load_script(path, device)[0]


def describe(checkpoint: Checkpoint, *, dtype: str = "float32", most_pixels: int = 0) -> dict[str, Any]:
    """The metadata that travels inside model.pt and config.pbtxt.

    Raises:
        ConfigError: An image of the model's own size has more than `most_pixels`.
    """
    config = checkpoint.config
    short_side, longest_side = config.input.short_side, config.input.longest_side
    own = round_up(short_side) * round_up(longest_side)
    if 0 < most_pixels < own:
        raise ConfigError(
            f"An image of {short_side} x {longest_side} pixels has more than {most_pixels}.",
            where="--max-pixels",
            fix=f"Give at least {own}: the model's own size, with padding.",
        )
    return {
        "model": config.model.name,
        "categories": [{"id": category.id, "name": category.name} for category in checkpoint.categories],
        "short_side": short_side,
        "longest_side": longest_side,
        "max_pixels": most_pixels or max_pixels(short_side, longest_side, FULL_BATCH),
        "dtype": dtype,
        "instances": min(config.model.num_masks, config.model.max_detections),
        "score_threshold": config.model.score_threshold,
        "mask_threshold": config.model.mask_threshold,
        "checkpoint_sha256": checkpoint.sha256,
        "dataset_id": checkpoint.data.id,
        "data_version": checkpoint.data.version,
        "version_of_code": code_commit(),
        "torch": torch.__version__.partition("+")[0],
    }
