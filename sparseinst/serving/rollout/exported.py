"""What `sparseinst export` wrote, checked before any of it is published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import DeployError
from sparseinst.export.contract import CONFIG_FILE, LABELS_FILE, MODEL_FILE
from sparseinst.files import sha256_of_file
from sparseinst.manifest import read_manifest
from sparseinst.serving.rollout.configuration import parse_config
from sparseinst.serving.rollout.golden import GOLDEN_FILE, GoldenImage, read_golden

_EXPORT_AGAIN = "Give the directory that `sparseinst export --output` made, or export again."


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """One exported model. `id` is of its manifest; `checkpoint` (a hash) and `data_version` are empty if unknown."""

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


def read_export(directory: Path) -> Export:
    """Reads an export's directory and compares every file with the manifest.

    Raises:
        DeployError: It is no export, or not as it was written.
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
    configs = sorted(directory.glob(f"*/{CONFIG_FILE}"))
    if manifest.get("kind") != "export" or len(configs) != 1:
        raise DeployError(
            f"This is no export: it holds {len(configs)} {CONFIG_FILE}, an export one.",
            where=str(directory),
            fix=_EXPORT_AGAIN,
        )
    folder = configs[0].parent
    return Export(
        directory=directory,
        name=folder.name,
        id=str(manifest["id"]),
        checkpoint=str(manifest.get("inputs", {}).get("checkpoint", "")),
        data_version=str(manifest.get("inputs", {}).get("data_version", "")),
        model=_require(folder / "1" / MODEL_FILE),
        labels=_require(folder / LABELS_FILE),
        golden_file=_require(directory / GOLDEN_FILE),
        golden=read_golden(directory / GOLDEN_FILE),
        config=parse_config(configs[0].read_bytes(), str(configs[0])),
    )


def _require(path: Path) -> Path:
    if not path.is_file():
        raise DeployError("The export lacks a file.", where=str(path), fix=_EXPORT_AGAIN)
    return path


def _is_unchanged(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_of_file(path) == digest
