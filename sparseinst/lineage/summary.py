"""A lineage in Markdown: the chain from the data to what is served, and the tree with everything in it."""

from __future__ import annotations

from collections.abc import Mapping

from sparseinst.lineage.node import Lineage, Node
from sparseinst.lineage.tell import tree
from sparseinst.pages.markdown import block, document, plain, table

_CHAIN = ("dataset", "checkpoint", "metrics", "gate", "export", "deployment", "endpoint")


def lineage_summary(lineage: Lineage, places: Mapping[str, str] | None = None) -> str:
    """Markdown of a lineage.

    Args:
        lineage: What `trace` found.
        places: Beginnings of paths that mean something on this machine only, and what others call them.
    """
    nodes = sorted(lineage.nodes(), key=lambda node: _CHAIN.index(node.kind) if node.kind in _CHAIN else len(_CHAIN))
    problems = lineage.problems()
    lines = ["# Lineage: " + ("whole" if not problems else "broken"), ""]
    lines += [f"- **{plain(_named(problem, places))}**" for problem in problems]
    lines += table(("made", "id", "what", "when", "code", "where"), [_row(node, places) for node in nodes])
    lines += block([_named(line, places) for line in tree(lineage)])
    return document(lines)


def _row(node: Node, places: Mapping[str, str] | None) -> tuple[str, ...]:
    when, code = str(node.made.get("at", "")), str(node.made.get("commit", ""))
    identity = node.id if "/" in node.id else node.id[:12]
    commit = code[:12] + ("-dirty" if code.endswith("-dirty") else "")
    return node.kind, identity, "; ".join(node.facts), when, commit, _named(node.where, places)


def _named(text: str, places: Mapping[str, str] | None) -> str:
    for here, there in (places or {}).items():
        text = text.replace(here, there)
    return text
