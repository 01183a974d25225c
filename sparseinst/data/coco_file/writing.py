"""Writes a COCO annotation file of any size, entry by entry: whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from sparseinst.files import atomic_path


class CocoWriter:
    """Takes the lists one after the other; each may come in many parts."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._key = ""
        self._entries = 0

    def others(self, members: Mapping[str, Any]) -> None:
        """What stands before the lists: info, licenses, …"""
        for key, value in members.items():
            self._begin(key)
            self._file.write(_dumped(value))

    def entries(self, key: str, entries: Sequence[Any]) -> None:
        """Adds entries to the list `key`, which must be the one that was written last, or a new one."""
        if key != self._key:
            self._begin(key)
            self._file.write(b"[")
            self._entries = 0
        if entries:
            self._file.write(b"," if self._entries else b"")
            self._file.write(b",".join(map(_dumped, entries)))
            self._entries += len(entries)

    def end(self) -> None:
        self._close_list()
        self._file.write(b"}\n" if self._key else b"{}\n")

    def _begin(self, key: str) -> None:
        self._close_list()
        self._file.write((b"," if self._key else b"{") + _dumped(key) + b":")
        self._key, self._entries = key, -1

    def _close_list(self) -> None:
        if self._entries >= 0 and self._key:
            self._file.write(b"]")


@contextmanager
def write_coco(path: Path) -> Iterator[CocoWriter]:
    """Gives a writer; the file appears when the block ends without an error. The same entries make the same bytes."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        writer = CocoWriter(file)
        yield writer
        writer.end()
        file.flush()


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):  # numbers of more than 64 bits, halves of characters
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
