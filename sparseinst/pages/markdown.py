"""Markdown for Kubeflow's page of a run. Names and messages are others' texts: what is given is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#!|~&])")


def plain(words: str) -> str:
    """On one line, and nothing but itself: whatever Markdown or HTML would make of it is escaped."""
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, and an empty one."""
    lines = [f"| {' | '.join(map(plain, row))} |" for row in [head, *rows]]
    return [lines[0], "|" + " --- |" * len(head), *lines[1:], ""]


def block(lines: Sequence[str]) -> list[str]:
    """The lines of a block that is shown letter by letter, and an empty one. Indented: no text can end it."""
    return [*(f"    {' '.join(line.splitlines())}".rstrip() for line in lines), ""]


def document(lines: Sequence[str]) -> str:
    """The lines as one text."""
    return "\n".join(lines).strip() + "\n"
