"""The folder of a run: on a volume that every step mounts, or in a bucket that each step copies from and to."""

from sparseinst.workspace.base import Workspace
from sparseinst.workspace.opening import fetch, open_workspace, run_folder

__all__ = ["Workspace", "fetch", "open_workspace", "run_folder"]
