"""The images of a run: fetched if they are the sample set, then put into the local S3 for the pipeline to ingest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.storage import open_storage

log = get_logger("run")

ROOT = Path(__file__).parents[2]

# The bucket of the local stack that holds data sets.
_BUCKET = "s3://data"


def fetch_sample() -> Path:
    """Fetches the sample set by DVC from the repository's own store and returns its directory.

    Raises:
        StorageError: DVC could not.
    """
    log.info("fetching the sample set (dvc pull)")
    command = [str(Path(sys.executable).parent / "dvc"), "pull", "--quiet", "data.dvc"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StorageError(
            "DVC could not fetch the sample data set.",
            where=f"{ROOT / 'data.dvc'}",
            details=(done.stderr or done.stdout).strip().splitlines(),
            fix="See what 'make data-pull' says. If files in data/ were changed: move the folder away.",
        )
    return ROOT / "data"


def publish(directory: Path, name: str) -> str:
    """Puts the directory into the local S3, in place of what had this name, and returns its address."""
    log.info("putting %s into the local S3", directory)
    storage = open_storage(_BUCKET)
    storage.delete_prefix(name)
    storage.copy_in(directory, name)
    return f"{_BUCKET}/{name}"
