"""Whether an artifact is what its manifest says, and the manifest what it was when it was written."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from sparseinst.files import sha256_of_file
from sparseinst.lineage.artifact import Artifact

Trouble: TypeAlias = Literal["changed", "missing"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written, or not there."""

    state: Trouble
    text: str


def problems_of(artifact: Artifact, *, with_files: bool = True) -> list[Problem]:
    """All that is wrong with one artifact; files are not looked at where only the manifest is there."""
    problems = _of_manifest(artifact)
    if with_files and not artifact.is_copy:
        problems += _of_files(artifact)
    return problems


def _of_manifest(artifact: Artifact) -> list[Problem]:
    name = artifact.path.name
    if artifact.id != artifact.computed_id:
        return [
            Problem("changed", f"{name} was changed: its id is {artifact.id}, its content's {artifact.computed_id}")
        ]
    if not artifact.is_intact:
        return [Problem("changed", f"{name} was changed: when, where or from what it was made does not fit its seal")]
    written = json.dumps(artifact.manifest, indent=2, sort_keys=True) + "\n"
    if artifact.path.read_bytes() != written.encode():
        return [Problem("changed", f"{name} was changed: it is written otherwise than this project writes it")]
    return []


def _of_files(artifact: Artifact) -> list[Problem]:
    folder = artifact.path.parent
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda entry: _of_file(folder, *entry), artifact.files.items())
        return [problem for problem in found if problem is not None]


def _of_file(folder: Path, name: str, digest: str) -> Problem | None:
    path = folder / name
    try:
        if not path.is_file():
            return Problem("missing", f"{name} is missing")
        actual = sha256_of_file(path)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        return Problem("missing", f"{name!r} cannot be read ({error})")
    if actual != digest:
        return Problem("changed", f"{name} was changed: its SHA-256 is {actual[:12]}…, the manifest's {digest[:12]}…")
    return None
