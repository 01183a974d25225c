"""Images or categories that are in their list twice, word for word."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sparseinst.data.repair.edits import Found


def equal_entries(entries: Sequence[Any], found: Mapping[int, Found]) -> set[int]:
    """The numbers of entries with a taken id that equal the first one with that id."""
    later = [number for number, places in found.items() if "ID-TWICE" in places]
    wanted = {entries[number]["id"] for number in later}
    first: dict[int, Any] = {}
    for entry in entries if wanted else ():
        identity = entry.get("id") if isinstance(entry, dict) else None
        if type(identity) is int and identity in wanted:
            first.setdefault(identity, entry)
    return {number for number in later if _same(entries[number], first[entries[number]["id"]])}


def _same(one: Any, other: Any) -> bool:
    """Python takes 1, 1.0 and True for equal; here they are not."""
    try:
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    except RecursionError:  # lists in lists without end
        return False
