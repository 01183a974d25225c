"""What `sparseinst export` wrote, checked before any of it is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import DeployError
from sparseinst.export.contract import CONFIG_FILE, FRONT, LABELS_FILE, MODEL_FILE, fingerprint
from sparseinst.files import sha256_of_file
from sparseinst.manifest import read_manifest
from sparseinst.serving.metadata import metadata_of
from sparseinst.serving.rollout.configuration import CONFIGS_FOLDER, parse_config
from sparseinst.serving.rollout.golden import GOLDEN_FILE, GoldenImage, read_golden

_EXPORT_AGAIN = "Give the directory that `sparseinst export --output` made, or export again."


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """One exported model. `id` is of its manifest; `checkpoint` (a hash) and `data_version` are empty if unknown.

    `variants` are more configurations by their files' names in configs/, for servers that ask for one by name.
    """

    directory: Path
    name: str
    id: str
    checkpoint: str
    data_version: str
    model: Path
    labels: Path
    golden_file: Path
    golden: list[GoldenImage]
    config: ModelConfig
    variants: Mapping[str, ModelConfig]
    metadata: Mapping[str, Any]


def read_export(directory: Path) -> Export:
    """Reads an export's directory and compares every file with the manifest.

    Raises:
        DeployError: It is no export, not as it was written, or its golden images prove nothing.
        SparseInstError: There is no manifest.
    """
    if not directory.is_dir():
        raise DeployError("There is no such directory.", where=str(directory), fix=_EXPORT_AGAIN)
    manifest = read_manifest(directory)
    wrong = [name for name, digest in manifest.get("files", {}).items() if not _is_unchanged(directory / name, digest)]
    if wrong:
        raise DeployError(
            "The export is not as it was written.",
            where=str(directory),
            details=[f"{name} is missing or has changed" for name in wrong],
            fix=_EXPORT_AGAIN,
        )
    configs = sorted(path for path in directory.glob(f"*/{CONFIG_FILE}") if not path.parent.name.endswith(FRONT))
    if manifest.get("kind") != "export" or len(configs) != 1:
        raise DeployError(
            f"This is no export: it holds {len(configs)} {CONFIG_FILE}, an export one.",
            where=str(directory),
            fix=_EXPORT_AGAIN,
        )
    folder = configs[0].parent
    config = parse_config(configs[0].read_bytes(), str(configs[0]))
    metadata = metadata_of(config)
    golden = read_golden(directory / GOLDEN_FILE)
    _require_meaning(golden, metadata, str(directory / GOLDEN_FILE))
    return Export(
        directory=directory,
        name=folder.name,
        id=str(manifest["id"]),
        checkpoint=str(manifest.get("inputs", {}).get("checkpoint", "")),
        data_version=str(manifest.get("inputs", {}).get("data_version", "")),
        model=_require(folder / "1" / MODEL_FILE),
        labels=_require(folder / LABELS_FILE),
        golden_file=_require(directory / GOLDEN_FILE),
        golden=golden,
        config=config,
        variants={
            path.name: parse_config(path.read_bytes(), str(path))
            for path in sorted((folder / CONFIGS_FOLDER).glob("*.pbtxt"))
        },
        metadata=metadata,
    )


def _require_meaning(golden: list[GoldenImage], metadata: Mapping[str, Any], where: str) -> None:
    """An answer without a number or without an instance would make every model look proven."""
    problem, fix = "", _EXPORT_AGAIN
    if not all(np.isfinite(image.answer["scores"]).all() for image in golden):
        problem = "The export's own answers hold NaN or infinite scores."
        fix = "Train the model again: its weights have left the range of numbers."
    elif not any(image.instances for image in golden):
        problem = "The export found nothing in any of its golden images: they would prove any model."
        fix = "Export again with photos of what the model was trained for (--photo)."
    elif any(image.fingerprint not in (b"", fingerprint(metadata)) for image in golden):
        problem = "The golden answers are of another model than the configuration describes."
    if problem:
        raise DeployError(problem, where=where, fix=fix)


def _require(path: Path) -> Path:
    if not path.is_file():
        raise DeployError("The export lacks a file.", where=str(path), fix=_EXPORT_AGAIN)
    return path


def _is_unchanged(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_of_file(path) == digest
