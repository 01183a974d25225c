"""One evaluation on the disk: its metrics, and the matches beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.analysis.table import MATCHES
from sparseinst.files import sha256_of_file
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest

METRICS = "metrics.json"
_FIX = "Name a metrics.json that 'sparseinst evaluate' wrote, or its folder."


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The content of a metrics.json; where its matches.npz is, if it is; and what a manifest calls this evaluation."""

    path: Path
    metrics: dict[str, Any]
    matches: Path | None
    id: str


def read_evaluation(place: Path) -> Evaluation:
    """Reads an evaluation by its folder or by its metrics.json.

    Raises:
        EvaluationError: It is missing, or no JSON object.
    """
    path = place / METRICS if place.is_dir() else place
    matches = path.with_name(MATCHES)
    is_whole = path.name == METRICS and matches.is_file()  # under another name it may be of another evaluation
    return Evaluation(path, read_object(path, _FIX), matches if is_whole else None, _id(path))


def read_object(path: Path, fix: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        EvaluationError: The file is missing, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"The metrics cannot be read: {error}.", where=str(path), fix=fix) from error
    if not isinstance(content, dict):
        raise EvaluationError("The metrics are not a JSON object.", where=str(path), fix=fix)
    return content


def _id(path: Path) -> str:
    """The id of the manifest that the evaluation wrote; the file's own hash where there is none."""
    digest = sha256_of_file(path)
    if (path.parent / MANIFEST).is_file():
        manifest = read_manifest(path.parent)
        if isinstance(manifest.get("files"), dict) and manifest["files"].get(path.name) == digest:
            return str(manifest.get("id", digest))
    return digest
