"""One pass over a file: what a plan changes is written anew, everything else is copied byte by byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import IO, Any

import orjson

from sparseinst.data.coco_file.reading import CocoFile, Piece
from sparseinst.data.coco_file.text import parse
from sparseinst.data.repair.edits import Change, apply
from sparseinst.data.repair.plan import Plan
from sparseinst.data.repair.spans import Span, changed_texts, entry_spans
from sparseinst.progress import progress

_BYTE_ORDER_MARK = "\ufeff"
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_COPIED_BYTES = 16 << 20

Pointer = Callable[[str, int], str]
Tell = Callable[[str, str], None]


def rewrite(file: CocoFile, plan: Plan, output: IO[bytes], pointer: Pointer, tell: Tell) -> dict[str, list[int]]:
    """Writes the file with what the plan changes.

    Args:
        pointer: Names an entry by its list and its place in this file; for `tell`.
        tell: Is told the code and the line of every change, in the file's order.

    Returns:
        The places of deleted entries, ascending, by the list's name.
    """
    at = 0
    if file.has_byte_order_mark and plan.drop_mark:
        at = len(_BYTE_ORDER_MARK.encode())
        change = Change("JSON-BOM", "", "deleted", _BYTE_ORDER_MARK, None, "JSON has no byte order mark")
        tell(change.code, change.line())
    deleted: dict[str, list[int]] = {}
    with progress("repair", f"repairing {file.path.name}", len(file.data), unit="bytes") as advance:
        for part in file.parts:
            if part.key in plan.lists and part is file.part(part.key) and part.is_list:
                _copy(file, at, part.start + 1, output)
                work = _List(part.key, file, plan, output, pointer, tell)
                for piece in file.pieces(part.key):
                    work.write(piece)
                    advance(piece.end - piece.start)
                deleted[part.key], at = work.deleted, part.end - 1
        _copy(file, at, len(file.data), output)
    return deleted


class _List:
    """A list on its way from the old to the new file."""

    def __init__(self, key: str, file: CocoFile, plan: Plan, output: IO[bytes], pointer: Pointer, tell: Tell) -> None:
        self.deleted: list[int] = []
        self._key, self._file, self._plan, self._output = key, file, plan, output
        self._pointer, self._tell = pointer, tell
        self._number = self._written = 0

    def write(self, piece: Piece) -> None:
        text = self._file.data[piece.start : piece.end]
        spans = entry_spans(text, is_first=piece.is_first)
        new = self._changed(text, spans, piece.start)
        gone = sum(value is None for value in new.values())
        if not new and (piece.is_first or self._written):
            self._output.write(text)
        else:
            texts = changed_texts(text, spans, new)
            self._output.write((b"," if self._written and texts else b"") + b",".join(texts))
        self._number += len(spans)
        self._written += len(spans) - gone

    def _changed(self, text: bytes, spans: Sequence[Span], begin: int) -> dict[int, bytes | None]:
        """The new texts of entries that change, by their place in the piece; None for those that are deleted."""
        new: dict[int, bytes | None] = {}
        for number in self._plan.concerned(self._key, self._number, self._number + len(spans)):
            start, end = spans[number - self._number]
            entry = _parsed(text[start:end], begin + start)
            edits = self._plan.edits(self._key, number, entry)
            if not edits:
                continue
            after, changes = apply(entry, edits, self._pointer(self._key, number))
            try:
                lines = [(change.code, change.line()) for change in changes]
                new[number - self._number] = None if after is None else _dumped(after)
            except RecursionError:  # lists in lists, so deep that nobody can write them: the entry stays as it is
                continue
            if after is None:
                self.deleted.append(number)
            for code, line in lines:
                self._tell(code, line)
        return new


def _parsed(text: bytes, place: int) -> Any:
    """The entry, with whole numbers of any length: orjson makes floats of those with more than 64 bits."""
    if _LONG_NUMBER.search(text):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):  # thousands of digits, lists in lists without end
            pass
    return parse(text, place)


def _dumped(entry: dict[str, Any]) -> bytes:
    try:
        text = orjson.dumps(entry)
    except (TypeError, ValueError):  # numbers of more than 64 bits, halves of characters
        text = b"null"
    # orjson writes NaN as null. What a file has in fields of its own stays as it is, even where that is no JSON.
    return json.dumps(entry, separators=(",", ":")).encode("ascii") if b"null" in text else text


def _copy(file: CocoFile, start: int, end: int, output: IO[bytes]) -> None:
    for place in range(start, end, _COPIED_BYTES):
        output.write(file.data[place : min(place + _COPIED_BYTES, end)])
