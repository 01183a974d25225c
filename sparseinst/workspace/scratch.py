"""Where the local copies of a run in a bucket lie: below SPARSEINST_SCRATCH, or in the system's temporary folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from sparseinst.errors import StorageError

SCRATCH = "SPARSEINST_SCRATCH"


def scratch_folder(uri: str) -> Path:
    """A folder of this user for a run's address, made where it is missing. All processes of the machine share it.

    Raises:
        StorageError: There is none that we may write to.
    """
    chosen = os.environ.get(SCRATCH)
    root = Path(chosen) if chosen else Path(tempfile.gettempdir(), f"sparseinst-scratch-{os.getuid()}")
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    digest = hashlib.sha256(f"{server} {uri}".encode()).hexdigest()[:16]
    folder = root / f"{uri.rpartition('/')[2][:40]}-{digest}"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        problem = f"There is no folder for local copies of the run: {error.strerror or error}."
        raise StorageError(problem, where=str(root), fix=f"Set {SCRATCH} to a folder that you may write to.") from error
    return folder
