"""Whole numbers that a tool wrote as texts or with a decimal point."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sparseinst.data.checks.local import is_int
from sparseinst.data.repair.edits import Edit, Found

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MOST_EXACT = 2**53  # up to which a float tells whole numbers apart


def whole(value: Any) -> int | None:
    """The whole number that is meant by 640, 640.0 or "640"; None for anything else."""
    if is_int(value):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MOST_EXACT:
        return int(value)
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def unambiguous_ids(entries: Sequence[Any], found: Mapping[int, Found]) -> dict[int, int]:
    """New ids, by the entry's number, for those with an id that is a number but not written as one.

    An id that another entry has in any form is left: "7" and 7 may well be meant as two things.
    """
    ids = [whole(entry.get("id")) if isinstance(entry, dict) else None for entry in entries]
    times = Counter(ids)
    new = {}
    for number, places in found.items():
        value = ids[number]
        if "/id" in places.get("JSON-TYPE", ()) and value is not None and times[value] == 1:
            new[number] = value
    return new


def plain_number(entry: Mapping[str, Any], key: str, found: Found) -> Edit | None:
    """Writes the number under `key` as one, if it is found to be none and can be read as one."""
    value = whole(entry.get(key)) if f"/{key}" in found.get("JSON-TYPE", ()) else None
    if value is None or is_int(entry[key]):
        return None
    return Edit("JSON-TYPE", key, value, "a whole number, not written as one")


def without_nothing(edits: Iterable[Edit | None]) -> list[Edit]:
    return [edit for edit in edits if edit is not None]
