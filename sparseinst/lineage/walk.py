"""From an artifact to all that it was made from, along the hashes in the manifests."""

from __future__ import annotations

import re
from pathlib import Path

from sparseinst.lineage.artifact import Artifact
from sparseinst.lineage.facts import facts_of
from sparseinst.lineage.node import Link, Node
from sparseinst.lineage.shelf import Shelf
from sparseinst.lineage.verify import problems_of

_KINDS = {
    "export": "export",
    "gate": "gate",
    "metrics": "metrics",
    "checkpoint": "checkpoint",
    "model": "checkpoint",
    "weights": "checkpoint",
    "dataset": "dataset",
}
_MAY_BE_OUTSIDE = {"weights": "the weights that training started from", "detections": "another program's detections"}
_NO_ARTIFACTS = ("data_version", "weights_place", "incumbent")  # facts, told with the node
_HASH = re.compile("[0-9a-f]{64}")
_CARRIED = {"export": ("model.pt", "labels.txt", "golden.npz"), "metrics": ("metrics.json", "matches.npz")}
_CARRIED |= {"gate": ("gate.json",)}


class Walk:
    """One walk; every artifact is looked at once, however often it is named."""

    def __init__(self, shelf: Shelf, *, with_files: bool = True) -> None:
        self._shelf = shelf
        self._with_files = with_files
        self._nodes: dict[Path, Node] = {}

    def node(self, artifact: Artifact) -> Node:
        """The node of an artifact with everything behind it."""
        if artifact.path in self._nodes:
            return self._nodes[artifact.path]
        node = Node(
            artifact.kind,
            artifact.id,
            artifact.shown,
            artifact.path,
            artifact.is_copy,
            artifact.made,
            facts_of(artifact),
            problems_of(artifact, with_files=self._with_files),
        )
        self._nodes[artifact.path] = node
        if not artifact.is_copy:
            self._shelf.add_around(artifact.path.parent, artifact.shown)
        for role, wanted in artifact.inputs.items():
            if role not in _NO_ARTIFACTS:
                node.links.append(self._link(artifact, role, wanted))
        node.links.sort(key=lambda link: list(_KINDS).index(link.role) if link.role in _KINDS else len(_KINDS))
        return node

    def _link(self, child: Artifact, role: str, wanted: str) -> Link:
        kind = _KINDS.get(role)
        parents = self._shelf.find(kind, wanted) if kind else []
        if not parents:
            return self._not_found(role, wanted)
        # The same data may have been brought in twice, from places that call its version differently.
        parent = next((parent for parent in parents if not _difference(child, role, parent)), parents[0])
        difference = _difference(child, role, parent)
        if parent.is_copy and not difference and (damaged := self._shelf.damaged()):
            difference = f"only a copy of its manifest is left, and {damaged[0]} was changed or cannot be read"
        return Link(role, wanted, "changed" if difference else "ok", difference, self.node(parent))

    def _not_found(self, role: str, wanted: str) -> Link:
        if role in _MAY_BE_OUTSIDE:
            return Link(role, wanted, "outside", f"{_MAY_BE_OUTSIDE[role]}, SHA-256 {wanted[:12]}…")
        if not _HASH.fullmatch(wanted):
            return Link(role, wanted, "outside", f"{wanted}, which has no hash")
        kind = _KINDS.get(role, role)
        text = f"its {kind} {wanted[:12]}… is missing"
        others = [f"{other.shown} is another one, {other.id[:12]}…" for other in self._shelf.others(kind)[:2]]
        broken = [f"{path} was changed or cannot be read" for path in self._shelf.damaged()[:2]]
        return Link(role, wanted, "missing", "; ".join([text, *others, *broken]))


def _difference(child: Artifact, role: str, parent: Artifact) -> str:
    """What the child says of its parent and the parent does not say of itself; empty where they agree."""
    version = child.inputs.get("data_version", "")
    if role == "dataset" and version and version != str(parent.source.get("version", "")):
        return f"it was made from data version {version}, the dataset is {parent.source.get('version') or 'of none'}"
    if child.kind == "deployment":
        carried = [name for name in _CARRIED.get(role, ()) if name in child.files]
        foreign = [name for name in carried if child.files[name] not in parent.files.values()]
        return f"{', '.join(foreign)} is not of this {parent.kind}" if foreign else ""
    return ""
