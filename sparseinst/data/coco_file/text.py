"""The bytes of an annotation file, pieces of it as Python objects, and where in it something is wrong."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from sparseinst.errors import DatasetError

Buffer: TypeAlias = mmap.mmap | bytes

_COUNTED_BYTES = 16 << 20


class SyntaxProblem(Exception):
    """Text that cannot be read: where in bytes, what is wrong, and the code of the finding that says so."""

    def __init__(self, place: int, problem: str, code: str = "JSON-SYNTAX") -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem
        self.code = code


def open_bytes(path: Path) -> Buffer:
    """The bytes of a file, which are read from disk as they are looked at.

    Raises:
        DatasetError: There is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
    except FileNotFoundError as error:
        raise DatasetError("There is no such annotation file.", where=str(path), fix="Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(
            f"The annotation file cannot be read: {reason}.", where=str(path), fix="Check the path and its permissions."
        ) from error


def parse_entries(data: Buffer, start: int, end: int, is_first: bool) -> list[Any]:
    """The entries of a list whose text lies between two bytes.

    Args:
        is_first: Whether the text begins with the list's first entry; otherwise it begins with a comma.

    Raises:
        SyntaxProblem: The text is not JSON. NaN and Infinity, which JSON does not have, are read as numbers.
    """
    prefix = b"[" if is_first else b"[0"  # so that a comma at its end is the mistake that it is
    text = b"".join((prefix, data[start:end], b"]"))
    entries: list[Any] = parse(text, start - len(prefix))
    return entries if is_first else entries[1:]


def parse(text: bytes, place: int) -> Any:
    """What JSON text holds that begins at the byte `place` of its file.

    Raises:
        SyntaxProblem: It is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass  # Python's reader is slower, takes NaN and long numbers, and says where the mistake is
    try:
        return json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SyntaxProblem(place + error.start, "not UTF-8", "JSON-ENCODING") from error
    except json.JSONDecodeError as error:
        raise SyntaxProblem(place + len(error.doc[: error.pos].encode()), error.msg) from error
    except RecursionError as error:
        raise SyntaxProblem(place, "lists in lists without end", "JSON-DEPTH") from error
    except ValueError as error:  # a number of thousands of digits
        raise SyntaxProblem(place, str(error)) from error


def line_and_column(data: Buffer, place: int) -> tuple[int, int]:
    """Of a byte, both counted from 1; the column in bytes."""
    lines, line_start = 1, 0
    for start in range(0, place, _COUNTED_BYTES):
        block = data[start : min(place, start + _COUNTED_BYTES)]
        lines += block.count(b"\n")
        newline = block.rfind(b"\n")
        if newline >= 0:
            line_start = start + newline + 1
    return lines, place - line_start + 1
