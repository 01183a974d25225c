"""Numbers and parts of a JSON that somebody else may have written: what is not right is None, never an exception."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """A finite number; booleans and texts are none."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer that no float holds
        return None


def share(value: Any) -> float | None:
    """A number from 0 to 1, as every AP is."""
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def count(value: Any) -> int | None:
    """A whole number of at least 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def shown(value: Any) -> str:
    """The value for a sentence, however large or strange it is."""
    return reprlib.repr(value)
