"""From what a user named, a file or a folder, to the artifact that it belongs to."""

from __future__ import annotations

from pathlib import Path

from sparseinst.errors import LineageError
from sparseinst.export.contract import CONFIG_FILE
from sparseinst.lineage.artifact import Artifact, read_artifact
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.serving.rollout.configuration import parse_config, served_version

_LEVELS = 4  # <export>/<name>/<version>/model.pt
_FIX = "Name a checkpoint, a folder with a manifest.json, a model's folder, or grpc://host:port/model."


def find_start(place: Path) -> Artifact:
    """The artifact that a file or folder is, or is a part of.

    Raises:
        LineageError: There is no such place, or no manifest tells of it.
    """
    if not place.exists():
        raise LineageError("There is no such file or folder.", where=str(place), fix=_FIX)
    if place.name.endswith(MANIFEST):
        return _require(place)
    folder = place if place.is_dir() else place.parent
    own = (place / MANIFEST) if place.is_dir() else place.with_name(f"{place.name}.{MANIFEST}")
    if own.is_file():
        return _require(own)
    if place.is_dir() and (place / CONFIG_FILE).is_file():
        version = served_version(parse_config((place / CONFIG_FILE).read_bytes(), str(place / CONFIG_FILE)))
        if version is not None and (place / str(version) / MANIFEST).is_file():
            return _require(place / str(version) / MANIFEST)
    for above in [folder, *folder.resolve().parents][:_LEVELS]:
        artifact = _require(above / MANIFEST) if (above / MANIFEST).is_file() else None
        if artifact is not None and _names(artifact, above, place):
            return artifact
    raise LineageError("No manifest tells of it.", where=str(place), details=_near(folder), fix=_FIX)


def _require(path: Path) -> Artifact:
    artifact = read_artifact(path)
    if artifact is None:
        raise LineageError(
            "The manifest cannot be read: it is damaged, or something else.",
            where=str(path),
            fix="Take it from a copy; without it nothing can be proven of this artifact.",
        )
    return artifact


def _names(artifact: Artifact, folder: Path, place: Path) -> bool:
    name = place.resolve().relative_to(folder.resolve()).as_posix()
    return any(file == name or file.startswith(f"{name}/") for file in artifact.files)


def _near(folder: Path) -> list[str]:
    """Folders below that have a manifest: somebody may have named a run's folder."""
    return [f"{path.parent} has one" for path in sorted(folder.glob(f"*/{MANIFEST}"))]
