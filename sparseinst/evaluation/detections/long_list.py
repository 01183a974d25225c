"""A JSON list of any size, as Python objects, some thousands at a time.

It is cut where another entry seems to begin as the first one did. A piece that is cut in a wrong place, within a text
or an inner list, is no JSON, because something in it stays open; so what can be parsed was cut in a right one, and
nothing has to look for brackets.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from sparseinst.data.coco_file.text import Buffer, SyntaxProblem, parse, parse_entries

_PIECE_BYTES = (4 << 20, 16 << 20)  # where the shorter was cut in a wrong place, a longer one is tried
_MOST_BYTES = 256 << 20  # of a piece: no detection is as long
_WINDOW_BYTES = 64 << 20
_LONGEST_BEGINNING = 60  # of an entry: `{"image_id":`
_SPACE, _COMMA = re.compile(r"[ \t\n\r]*"), re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


def pieces_of_list(data: Buffer, start: int) -> Iterator[tuple[list[Any], int]]:
    """The entries of a list in parts, each with the length of its text in bytes; `start` is behind the list's bracket.

    Raises:
        SyntaxProblem: The text is not JSON there; what came before is.
    """
    pattern = re.compile(rb"\}\s*,\s*" + _beginning(data[start : start + 4096]))
    is_first = True
    while start >= 0:
        entries, end = _next_piece(data, start, is_first, pattern)
        yield entries, (len(data) if end < 0 else end) - start
        start, is_first = end, False


def _beginning(text: bytes) -> bytes:
    """A pattern for how the first entry begins; its first key tells it from objects within an entry."""
    found = re.match(rb'\s*(\{\s*"[^"\\]*"\s*:)', text)
    return re.escape(found[1]) if found and len(found[1]) <= _LONGEST_BEGINNING else rb"\{"


def _next_piece(data: Buffer, start: int, is_first: bool, pattern: re.Pattern[bytes]) -> tuple[list[Any], int]:
    """Entries from a byte on, and the byte behind them; -1 where the list has ended."""
    problem: SyntaxProblem | None = None
    for length in _PIECE_BYTES:
        found = pattern.search(data, start + length)
        if found is None:
            return _last_piece(data, start, is_first), -1
        end = found.start() + 1
        if end - start > _MOST_BYTES:
            break
        try:
            return parse_entries(data, start, end, is_first), end
        except SyntaxProblem as caught:
            problem = caught
    return _one_by_one(data, start, is_first, problem or _endless(start))


def _one_by_one(data: Buffer, start: int, is_first: bool, problem: SyntaxProblem) -> tuple[list[Any], int]:
    """The entries that a window of the text holds whole; slow, but right wherever entries end.

    Raises:
        SyntaxProblem: It holds none; `problem` says why.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data[start : start + _WINDOW_BYTES])
    except UnicodeDecodeError:
        raise problem from None
    decoder = json.JSONDecoder()
    entries, place = list[Any](), 0
    while gap := (_SPACE if is_first and not entries else _COMMA).match(text, place):
        try:
            entry, end = decoder.raw_decode(text, gap.end())
        except (ValueError, RecursionError):
            break
        if end == len(text):  # perhaps only the beginning of a number
            break
        entries.append(entry)
        place = end
    if not entries:
        raise problem
    return entries, start + len(text[:place].encode())


def _last_piece(data: Buffer, start: int, is_first: bool) -> list[Any]:
    if len(data) - start > _MOST_BYTES:
        raise _endless(start)
    prefix = b"[" if is_first else b"[0"  # so that a comma at its end is the mistake that it is
    text = prefix + data[start:]
    try:
        entries: list[Any] = parse(text, start - len(prefix))
    except SyntaxProblem as problem:
        if text.rstrip(b" \t\r\n\0")[-1:] != b"]":
            problem.problem += "; the file does not end in ']': it was not written or copied whole"
        raise
    return entries if is_first else entries[1:]


def _endless(start: int) -> SyntaxProblem:
    return SyntaxProblem(start, f"no entry ends within {_MOST_BYTES >> 20} MB from here")
