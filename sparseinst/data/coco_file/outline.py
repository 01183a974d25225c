"""Where the parts of a JSON object lie in a file of any size, found without parsing it.

COCO files reach gigabytes, ten times as much as Python objects. The outline needs one pass over the bytes: it
looks at brackets and quotes alone, some 300 MB a second, and remembers where each part of the top-level object
begins and ends, and places between two entries of a list where the text may be cut. What lies between two cuts is
parsed later, by whoever needs it, several at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sparseinst.data.coco_file.text import Buffer, SyntaxProblem

_BLOCK_BYTES = 4 << 20  # also about the length of a piece between two cuts
_MOST_OUTSIDE_BYTES = 64 << 20  # of text that is in no list or object: names, numbers, spaces

# What Python's reader takes in place of a list or an object, and no JSON has.
_PLACEHOLDER = b"-Infinity"
_STANDS_FOR_A_LIST = object()

_QUOTE, _BACKSLASH = ord('"'), ord("\\")
STEP = np.zeros(256, np.int8)  # of the depth, by the byte
STEP[[ord("{"), ord("[")]] = 1
STEP[[ord("}"), ord("]")]] = -1
_STRUCTURAL = STEP != 0
_STRUCTURAL[[_QUOTE, _BACKSLASH]] = True


@dataclass(frozen=True, slots=True)
class Part:
    """A member of the top-level object.

    Attributes:
        key: Its name.
        value: What it holds, where that is no list and no object.
        start: Where its list or object begins, in bytes; -1 where it is neither.
        end: Behind its last byte.
        is_list: Whether it is a list.
        cuts: Where the list's text may be cut: behind an entry, before the comma.
    """

    key: str
    value: Any = None
    start: int = -1
    end: int = -1
    is_list: bool = False
    cuts: tuple[int, ...] = ()


def outline(data: Buffer, begin: int = 0) -> list[Part]:
    """The members of the JSON object in `data` from the byte `begin` on, in their order; keys may come twice.

    Raises:
        SyntaxProblem: The text is no JSON object, as far as can be told without parsing its parts.
    """
    lists: list[tuple[int, int, tuple[int, ...]]] = []
    outside: list[bytes] = []
    last = begin
    for start, end, cuts in _containers(data, begin):
        outside.append(bytes(data[last:start]) + _PLACEHOLDER)
        lists.append((start, end, cuts))
        last = end
    if sum(map(len, outside)) + len(data) - last > _MOST_OUTSIDE_BYTES:
        raise SyntaxProblem(last, "there is far too much text outside of the lists")
    outside.append(bytes(data[last:]))
    pairs = _parse_outside(outside, [end for _, end, _ in lists], begin)
    if sum(value is _STANDS_FOR_A_LIST for _, value in pairs) != len(lists):
        raise SyntaxProblem(begin, "there is an infinite number in the file")
    places = iter(lists)
    return [
        _part(data, key, *next(places)) if value is _STANDS_FOR_A_LIST else Part(key, value) for key, value in pairs
    ]


def _part(data: Buffer, key: str, start: int, end: int, cuts: tuple[int, ...]) -> Part:
    is_list = data[start : start + 1] == b"["
    return Part(key, None, start, end, is_list, cuts if is_list else ())


def _parse_outside(outside: Sequence[bytes], ends: Sequence[int], begin: int) -> list[tuple[str, Any]]:
    """Parses the object with a number in place of each list or object in it; an error's place is the file's."""
    text = b"".join(outside)
    try:
        pairs = json.loads(text, object_pairs_hook=list, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise SyntaxProblem(_place(error.start, outside, ends, begin), "not UTF-8", "JSON-ENCODING") from error
    except json.JSONDecodeError as error:
        at = len(text.decode()[: error.pos].encode())
        raise SyntaxProblem(_place(at, outside, ends, begin), error.msg) from error
    except (ValueError, RecursionError) as error:
        raise SyntaxProblem(begin, str(error)) from error
    if not isinstance(pairs, list):
        raise SyntaxProblem(begin, "the file is not a JSON object", "JSON-TYPE")
    return pairs


def _constant(name: str) -> Any:
    return _STANDS_FOR_A_LIST if name == "-Infinity" else float(name)


def _place(at: int, outside: Sequence[bytes], ends: Sequence[int], begin: int) -> int:
    """From an offset in the joined pieces of `outside` to one in the file."""
    for number, piece in enumerate(outside):
        if at <= len(piece) or number == len(ends):
            return (ends[number - 1] if number else begin) + at
        at -= len(piece)
    return begin


def _containers(data: Buffer, begin: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Start, end and cuts of every list or object that is a member of the top-level one."""
    start, cuts = -1, list[int]()
    depth = 0
    for places, steps in _brackets(data, begin):
        after = np.cumsum(steps, dtype=np.int64) + depth
        depth = int(after[-1])
        inner = places[(steps < 0) & (after == 2)]
        # A member opens when the depth becomes 2 and closes when it becomes 1 again.
        for index in np.flatnonzero(((steps > 0) & (after == 2)) | ((steps < 0) & (after == 1))):
            place = int(places[index])
            if steps[index] > 0:
                start, cuts = place, []
            elif start >= 0:
                yield start, place + 1, tuple(cuts)
                start = -1
        if start >= 0 and inner.size and inner[-1] > start:
            cuts.append(int(inner[-1]) + 1)
    if depth > 0:
        raise SyntaxProblem(len(data), "the file ends too early: a list or an object is not closed")


def _brackets(data: Buffer, begin: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]]:
    """Places of the brackets that are not in strings, block by block, and whether each opens (1) or closes (-1)."""
    in_string = escaping = False
    for first in range(begin, len(data), _BLOCK_BYTES):
        block = np.frombuffer(data, np.uint8, min(_BLOCK_BYTES, len(data) - first), first)
        places = np.flatnonzero(_STRUCTURAL[block])
        letters = block[places]
        places, letters, escaping = _without_escapes(places, letters, escaping, len(block))
        quotes = letters == _QUOTE
        inside = (np.cumsum(quotes) + in_string) & 1
        if quotes.any():
            in_string = bool(inside[-1])
        is_bracket = ~quotes & (inside == 0)
        if is_bracket.any():
            yield places[is_bracket] + first, STEP[letters[is_bracket]]
    if in_string:
        raise SyntaxProblem(len(data), "the file ends too early: in the middle of a text")


def _without_escapes(
    places: npt.NDArray[np.int64], letters: npt.NDArray[np.uint8], escaping: bool, length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], bool]:
    """Leaves out backslashes and what they escape.

    Args:
        escaping: Whether the block before ended in a backslash that escapes this block's first byte.

    Returns:
        The places and letters that are left, and whether this block's last byte escapes the next block's first.
    """
    is_backslash = letters == _BACKSLASH
    if not escaping and not is_backslash.any():
        return places, letters, False
    slashes = places[is_backslash]
    # In a run of backslashes every second one is itself escaped: only a run of odd length escapes what follows.
    first = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    run_start, run_end = slashes[first], slashes[np.append(first[1:] - 1, len(slashes) - 1)] if len(first) else slashes
    run_length = run_end - run_start + 1
    if escaping and run_start.size and run_start[0] == 0:
        run_length[0] += 1
    escaped = run_end[run_length % 2 == 1] + 1
    if escaping and not (run_start.size and run_start[0] == 0):
        escaped = np.append(escaped, 0)
    kept = ~is_backslash & ~np.isin(places, escaped)
    return places[kept], letters[kept], bool((escaped == length).any())
