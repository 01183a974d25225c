"""A download that is not whole yet: the bytes so far, and which version of the file they belong to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from sparseinst.files import write_text


class Partial:
    """Two hidden files beside `target`. They outlive a killed process, so that a later one goes on from them."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.file = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.version")

    @property
    def size(self) -> int:
        """How many bytes are there already."""
        return self.file.stat().st_size if self.file.exists() else 0

    def request_headers(self) -> dict[str, str]:
        """Asks for the rest of the same version; for everything where that is not possible."""
        if self.size and self._version:
            return {"Range": f"bytes={self.size}-", "If-Range": self._version}
        return {}

    def begin(self, headers: Mapping[str, str]) -> None:
        """Forgets what is there and notes which version comes now."""
        self.file.write_bytes(b"")  # first: old bytes must never stand beside a new note
        write_text(self._note, _version(headers))

    def total_if_it_goes_on(self, headers: Mapping[str, str]) -> tuple[bool, int | None]:
        """Whether the answer (206) begins where the bytes end, in the same version; the whole file's size if told."""
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if span is None or int(span[1]) != self.size or not self._is_of(headers):
            return False, None
        return True, None if span[2] == "*" else int(span[2])

    def is_whole(self, headers: Mapping[str, str]) -> bool:
        """Whether the answer "there is nothing behind these bytes" (416) means that all of them are here."""
        return headers.get("Content-Range") == f"bytes */{self.size}" and self._is_of(headers)

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Gives the file its final name."""
        with self.file.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.file, self.target)
        self._note.unlink(missing_ok=True)

    @property
    def _version(self) -> str:
        return self._note.read_text(encoding="utf-8") if self._note.exists() else ""

    def _is_of(self, headers: Mapping[str, str]) -> bool:
        # A server that ignores If-Range would let the end of a new version follow the beginning of an old one.
        return _version(headers) in ("", self._version)


def _version(headers: Mapping[str, str]) -> str:
    """What If-Range may carry: a strong ETag or else a date. A weak ETag (W/) does not promise equal bytes."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
