"""What the model repository puts into service, and the evaluation that this version earned its place with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.evaluation.analysis.table import MATCHES
from sparseinst.evaluation.finished import METRICS
from sparseinst.files import sha256_of_file
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import open_storage


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The model in service. `id` is its deployment's; `evaluation` a folder with its metrics.json, or None.

    `problem` says why there is no evaluation.
    """

    name: str
    version: int
    id: str
    evaluation: Path | None
    problem: str = ""


def fetch_incumbent(to: str, name: str, folder: Path) -> Incumbent | None:
    """The version of the model `name` that the repository's config.pbtxt names as served; None where there is none.

    Args:
        to: Triton's model repository: a directory or s3://bucket/prefix.
        name: The model's name.
        folder: Gets the evaluation's files, in place of those of another version.

    Raises:
        DeployError: The model in the repository is none of this project's.
        StorageError: The repository cannot be read.
    """
    target = Target(open_storage(to), name)
    version = target.current()
    if version is None:
        return None
    for file in (METRICS, MATCHES):
        (folder / file).unlink(missing_ok=True)
    manifest = _manifest(target, version)
    files = manifest.get("files")
    if not isinstance(files, dict):
        return Incumbent(name, version, "", None, f"the manifest of version {version} cannot be read")
    known, identity = [file for file in (METRICS, MATCHES) if file in files], str(manifest.get("id", ""))
    if METRICS not in known:
        return Incumbent(name, version, identity, None, f"version {version} was deployed without its evaluation")
    for file in known:
        if not target.fetch(version, file, folder / file) or sha256_of_file(folder / file) != files[file]:
            problem = f"{file} of version {version} is not as it was deployed"
            return Incumbent(name, version, identity, None, problem)
    return Incumbent(name, version, identity, folder)


def _manifest(target: Target, version: int) -> Mapping[str, Any]:
    try:
        content = json.loads(target.manifest(version))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
