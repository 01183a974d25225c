"""manifest.json: what an artifact is, what it was made from, by which code, when and where.

`id` is a hash of everything but `source` and `made`, so that the same inputs, code settings and files give the same id,
and a manifest can name its inputs by their ids: the chain that lineage follows. `seal` is a hash of all the rest, with
`made` and `source`: whatever was changed later shows.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sparseinst.errors import SparseInstError
from sparseinst.files import sha256_of_file, sha256_of_json, write_json

NAME = "manifest.json"


def write_manifest(
    directory: Path,
    *,
    kind: str,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    files: Iterable[Path],
    facts: Mapping[str, Any] | None = None,
    source: Mapping[str, str] | None = None,
    name: str = NAME,
) -> dict[str, Any]:
    """Writes `directory/manifest.json` (or another `name`) and returns it.

    Args:
        kind: "dataset", "checkpoint", "metrics", "gate", "export" or "deployment".
        inputs: Role to id of the manifest (or hash of the file) that this was made from.
        settings: The resolved configuration.
        files: What the artifact consists of; each is named relative to `directory` with its SHA-256.
        facts: Counts and results worth finding again.
        source: Where it came from: `uri`, and `version` as the source's own versioning has it. Not part of the id.
    """
    body: dict[str, Any] = {
        "kind": kind,
        "inputs": dict(inputs),
        "settings": dict(settings),
        "files": _hashes(directory, sorted(files)),
        "facts": dict(facts or {}),
    }
    manifest = {"id": sha256_of_json(body), **body, **({"source": dict(source)} if source else {}), "made": _made()}
    manifest["seal"] = sha256_of_json(manifest)
    write_json(directory / name, manifest)
    return manifest


def _hashes(directory: Path, files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by name relative to the directory; hashing lets other threads run."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = pool.map(sha256_of_file, files)
        return {file.relative_to(directory).as_posix(): digest for file, digest in zip(files, hashes, strict=True)}


def read_manifest(directory: Path) -> dict[str, Any]:
    """Reads `directory/manifest.json`.

    Raises:
        SparseInstError: The file is missing or is no JSON object.
    """
    path = directory / NAME
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SparseInstError(
            f"There is no readable manifest ({error}).", where=str(path), fix="Make the artifact again."
        ) from error
    if not isinstance(manifest, dict):
        raise SparseInstError("The manifest is not a JSON object.", where=str(path), fix="Make the artifact again.")
    return manifest


def _made() -> dict[str, str]:
    processors = f"{os.cpu_count()} CPUs"
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": code_commit(),
        "version": _version(),
        "machine": f"{platform.system()} {platform.machine()}, {processors}, Python {platform.python_version()}",
    }


def code_commit() -> str:
    """The commit of this code: from the image's environment, or from git; "-dirty" marks uncommitted changes."""
    baked = os.environ.get("SPARSEINST_COMMIT", "")
    if baked:
        return baked
    here = Path(__file__).parent
    try:
        command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _version() -> str:
    try:
        return version("sparseinst")
    except PackageNotFoundError:
        return "unknown"
