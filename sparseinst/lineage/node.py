"""What lineage finds: artifacts as nodes, and what each was made from as links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sparseinst.lineage.verify import Problem

# "outside": it was never an artifact of this project, e.g. the weights that training started from.
State: TypeAlias = Literal["ok", "changed", "missing", "outside"]


@dataclass(slots=True)
class Node:
    """One artifact, or an endpoint. `made` says when, by which code and where; `is_copy`: only `manifest` is here."""

    kind: str
    id: str
    where: str
    manifest: Path | None = None
    is_copy: bool = False
    made: Mapping[str, Any] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    @property
    def state(self) -> State:
        states = {problem.state for problem in self.problems}
        return "changed" if "changed" in states else "missing" if states else "ok"


@dataclass(slots=True)
class Link:
    """What a node names as its input: by role and hash, and the node that has this hash, where it was found."""

    role: str
    wanted: str
    state: State
    text: str = ""
    to: Node | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """The tree over `root`. It is whole when every file, manifest and link is as it was."""

    root: Node

    def nodes(self) -> list[Node]:
        """Every node once, the root first."""
        return list(_each_once(self.root, set()))

    def problems(self) -> list[str]:
        """All that is wrong, each with its place."""
        found = []
        for node in self.nodes():
            found += [f"{node.kind} in {node.where}: {problem.text}" for problem in node.problems]
            found += [
                f"{node.kind} in {node.where}: {link.text}"
                for link in node.links
                if link.state in ("changed", "missing")
            ]
        return found


def _each_once(node: Node, seen: set[int]) -> Iterator[Node]:
    if id(node) in seen:
        return
    seen.add(id(node))
    yield node
    for link in node.links:
        if link.to is not None:
            yield from _each_once(link.to, seen)
