"""Findings about one entry of a list, before anyone knows which place the entry has in the whole file."""

from __future__ import annotations

import math
import unicodedata
from typing import Any, NamedTuple, TypeGuard

from sparseinst.data.checks.findings import Finding

MOST_ID = 2**63 - 1


class Local(NamedTuple):
    """A finding about an entry; `place` is the rest of its pointer, e.g. "/segmentation/0"."""

    code: str
    place: str
    problem: str
    fix: str

    def at(self, pointer: str) -> Finding:
        """The finding, once the entry's own pointer is known."""
        return Finding(self.code, pointer + self.place, self.problem, self.fix)


def is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether it is a number that a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def is_clean(text: str) -> bool:
    """Whether a text has neither control characters nor halves of characters, which UTF-8 cannot write."""
    return text.isprintable() or not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def shorten(value: Any) -> str:
    """How a value is shown in a finding: as Python writes it, so that nothing in it can do harm, and not too long."""
    text = repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return text if len(text) <= 40 else f"{text[:37]}..."


def check_id(entry: dict[str, Any], key: str = "id") -> Local | None:
    """What is wrong with the id under `key`, if anything is."""
    value = entry.get(key)
    if is_int(value) and -MOST_ID <= value <= MOST_ID:
        return None
    if key not in entry:
        code = "ID-MISSING" if key == "id" else "JSON-TYPE"
        return Local(code, f"/{key}", f"{key!r} is missing", "It must be a whole number")
    if is_int(value) or (isinstance(value, float) and abs(value) > MOST_ID):
        return Local("ID-RANGE", f"/{key}", f"{key!r} is {shorten(value)}", "Give it a number of at most 18 digits")
    return Local("JSON-TYPE", f"/{key}", f"{key!r} is {shorten(value)}", "It must be a whole number")
