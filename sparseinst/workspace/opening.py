"""From what a user wrote for the workspace to the folder of a run."""

from __future__ import annotations

from pathlib import Path

from sparseinst.storage import open_storage
from sparseinst.storage.s3 import S3Storage
from sparseinst.workspace.base import Workspace
from sparseinst.workspace.bucket import BucketWorkspace
from sparseinst.workspace.folder import FolderWorkspace
from sparseinst.workspace.scratch import scratch_folder

_RUN = "{run}"


def run_folder(workspace: str, run_id: str) -> str:
    """The address of a run's folder: the pipeline's parameter `workspace`, "{run}" in it replaced by the run's id."""
    return workspace.replace(_RUN, run_id).rstrip("/") or "/"


def open_workspace(folder: str) -> Workspace:
    """The workspace at a local path or at s3://bucket/prefix. Nothing is contacted yet.

    Raises:
        StorageError: The address is of another kind, or there is no place for local copies.
    """
    storage = open_storage(folder)
    if isinstance(storage, S3Storage):
        return BucketWorkspace(storage, scratch_folder(storage.uri))
    return FolderWorkspace(Path(folder))


def fetch(address: str) -> Path:
    """The part of a run that lies at an address (`Workspace.at`), as local files.

    Raises:
        StorageError: It cannot be had.
    """
    if "://" not in address:
        return Path(address)
    folder, _, name = address.rstrip("/").rpartition("/")
    return open_workspace(folder).fetch(name)
