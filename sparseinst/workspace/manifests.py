"""The manifests of a run's parts, for whoever follows what something was made from and needs no other file."""

from __future__ import annotations

from collections.abc import Sequence

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.manifest import NAME
from sparseinst.workspace.base import Workspace

log = get_logger("lineage")


def bring_manifests(place: Workspace, names: Sequence[str]) -> None:
    """Makes the parts' manifests lie side by side on this machine. One that cannot be had costs a warning."""
    for name in names:
        try:
            place.fetch(name, only=(NAME,))
        except StorageError as error:
            log.warning("the chain of what was made from what will lack '%s': %s", name, error.problem)
