"""A lineage for people, as a tree, and for programs, as JSON."""

from __future__ import annotations

from typing import Any

from sparseinst.lineage.node import Lineage, Link, Node

_MARKS = {"ok": "✓", "changed": "✗", "missing": "✗", "outside": "·"}


def tree(lineage: Lineage) -> list[str]:
    """The lines of the tree: each artifact with its state and facts; when, where and by which code it was made."""
    lines: list[str] = []
    _add_node(lines, lineage.root, "", "", set())
    return lines


def to_dict(lineage: Lineage) -> dict[str, Any]:
    """Every artifact once, in the order of the tree; links name artifacts by their place in the list."""
    nodes = lineage.nodes()
    places = {id(node): place for place, node in enumerate(nodes)}
    problems = lineage.problems()
    return {
        "whole": not problems,
        "problems": problems,
        "artifacts": [
            {
                "kind": node.kind,
                "id": node.id,
                "state": node.state,
                "where": node.where,
                "manifest_only": node.is_copy,
                "made": dict(node.made),
                "facts": node.facts,
                "problems": [problem.text for problem in node.problems],
                "links": [_link_to_dict(link, places) for link in node.links],
            }
            for node in nodes
        ],
    }


def _link_to_dict(link: Link, places: dict[int, int]) -> dict[str, Any]:
    to = places[id(link.to)] if link.to is not None else None
    return {"role": link.role, "hash": link.wanted, "state": link.state, "text": link.text, "artifact": to}


def _add_node(lines: list[str], node: Node, first: str, rest: str, seen: set[int]) -> None:
    head = f"{first}{_MARKS[node.state]} {node.kind} {_short(node.id)}  {node.state}"
    if id(node) in seen:
        lines.append(f"{head}  (as above)")
        return
    seen.add(id(node))
    lines.append("  ".join([head, *node.facts]))
    gap = rest + ("│    " if node.links else "     ")
    lines.append(f"{gap}{node.where}{_files_away(node)}")
    made = [str(node.made[name]) for name in ("at", "machine") if node.made.get(name)]
    if made:
        lines.append(f"{gap}made {', '.join(made)}; code {node.made.get('commit', 'unknown')}")
    lines += [f"{gap}{problem.state}: {problem.text}" for problem in node.problems]
    for number, link in enumerate(node.links):
        last = number == len(node.links) - 1
        _add_link(lines, link, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), seen)


def _add_link(lines: list[str], link: Link, first: str, rest: str, seen: set[int]) -> None:
    if link.to is None:
        lines.append(f"{first}{_MARKS[link.state]} {link.role}  {link.state}: {link.text}")
        return
    if link.state == "changed":
        lines.append(f"{first}{_MARKS['changed']} {link.role}  changed: {link.text}")
        first = rest + "└─ "
        rest += "   "
    _add_node(lines, link.to, first, rest, seen)


def _files_away(node: Node) -> str:
    return "  (its manifest only; its files are not here)" if node.is_copy else ""


def _short(identity: str) -> str:
    return identity if "/" in identity else identity[:12]
