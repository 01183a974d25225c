"""Where something comes from: one call for a checkpoint, an evaluation, an export, a version folder or an endpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from sparseinst.errors import LineageError
from sparseinst.lineage.artifact import Artifact
from sparseinst.lineage.node import Lineage
from sparseinst.lineage.shelf import Shelf
from sparseinst.lineage.start import find_start
from sparseinst.lineage.walk import Walk


def trace(what: str, *, search: Sequence[Path] = (), repository: str | None = None, with_files: bool = True) -> Lineage:
    """Follows the hashes from `what` back to the data, and checks everything on the way.

    Args:
        what: A file or folder, s3://bucket/…/model[/version], or grpc://host:port/model[/version] (grpcs:// for TLS).
        search: More folders to look for manifests in, three levels deep. Looked into anyway: the artifact's own
            folder and those beside it, and the same for everything found.
        repository: Triton's model repository, for an endpoint.
        with_files: Whether to hash every file; else only the manifests and their links are checked.

    Raises:
        LineageError: Nothing tells of it.
        SparseInstError: A server or a storage does not answer.
    """
    walk = Walk(Shelf(search), with_files=with_files)
    if "://" not in what:
        return Lineage(walk.node(find_start(Path(what))))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "version"  # beside it nothing is looked for that is not there
        if what.startswith(("grpc://", "grpcs://")):
            from sparseinst.lineage.served import endpoint_node

            if not repository:
                raise LineageError(
                    "The manifests of an endpoint lie in its model repository.",
                    where=what,
                    fix="Give it with --to, a directory or s3://…",
                )
            return Lineage(endpoint_node(what, repository, walk, folder, with_files=with_files))
        return Lineage(walk.node(_from_storage(what, folder, with_files=with_files)))


def _from_storage(uri: str, folder: Path, *, with_files: bool) -> Artifact:
    from sparseinst.lineage.served import fetch_version
    from sparseinst.serving.rollout.target import Target
    from sparseinst.storage import open_storage

    head, _, last = uri.rstrip("/").rpartition("/")
    if last.isdigit():
        head, _, name = head.rpartition("/")
        target, version = Target(open_storage(head), name), int(last)
    else:
        target = Target(open_storage(head), last)
        version = target.current() or 0
    artifact = fetch_version(target, version, folder, with_files=with_files)
    if artifact is None:
        raise LineageError(
            "There is no version with a readable manifest.", where=uri, fix="Name a model's folder, or a version's."
        )
    return artifact
