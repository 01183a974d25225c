"""What repairs do to an entry, and how the diff says it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

Found: TypeAlias = Mapping[str, Sequence[str]]
"""What was found in an entry and is to be repaired: places within it, e.g. "/segmentation/1", by code."""


class Edit(NamedTuple):
    """One change of an entry: its field `key` becomes `after`; without a key the whole entry is deleted."""

    code: str
    key: str
    after: Any
    reason: str


class Change(NamedTuple):
    """A line of the diff.

    Attributes:
        pointer: Where in the old file, a JSON pointer.
        before: What was there: in the old file, or after the line before that has the same pointer.
        after: What is there now; None where it was deleted.
    """

    code: str
    pointer: str
    action: Literal["changed", "deleted", "added"]
    before: Any
    after: Any
    reason: str

    def line(self) -> str:
        """As JSON, in one line. NaN and infinity, which JSON does not have, are told as texts."""
        try:
            return json.dumps(self._asdict(), allow_nan=False)
        except ValueError:
            return json.dumps(_finite(self._asdict()), allow_nan=False)


def deletion(code: str, reason: str) -> Edit:
    return Edit(code, "", None, reason)


def apply(entry: Any, edits: Iterable[Edit], pointer: str) -> tuple[Any, list[Change]]:
    """The entry after the edits, None where it is deleted, and the lines of the diff. `entry` itself stays as it is."""
    changes: list[Change] = []
    after = dict(entry) if isinstance(entry, dict) else entry
    for edit in edits:
        if not edit.key:
            return None, [*changes, Change(edit.code, pointer, "deleted", after, None, edit.reason)]
        action: Literal["changed", "added"] = "changed" if edit.key in after else "added"
        place = f"{pointer}/{edit.key}"
        changes.append(Change(edit.code, place, action, after.get(edit.key), edit.after, edit.reason))
        after[edit.key] = edit.after
    return after, changes


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
