"""JSON lines that a run appends to. A full disk does not end the run: what is missing is written when there is room."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparseinst.errors import StorageError
from sparseinst.files import write_text
from sparseinst.log import get_logger

log = get_logger("train")

METRICS = "metrics.jsonl"  # what was computed: the same bytes, however often the run was stopped
TIMING = "timing.jsonl"  # what the clock says
EVENTS = "events.jsonl"  # what went wrong, and what was done about it


class JsonLines:
    """A file of JSON objects, one a line, whose whole text is kept in memory: 3 MB for 270 000 iterations."""

    def __init__(self, path: Path, text: str = "") -> None:
        """Begins with a text, in place of what was in the file."""
        self._path, self.text = path, text
        self._lock = threading.Lock()  # the loader's thread has events to tell as well
        self._is_behind = True
        self._rewrite()

    def add(self, record: Mapping[str, Any]) -> None:
        """Appends a line, and sees that it reaches the file."""
        line = json.dumps(record) + "\n"
        with self._lock:
            self.text += line
            if self._is_behind:
                self._rewrite()
                return
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(line)
            except OSError as error:
                log.warning("%s cannot be written (%s); trying again later", self._path.name, error.strerror)
                self._is_behind = True

    def _rewrite(self) -> None:
        try:
            write_text(self._path, self.text)
            self._is_behind = False
        except OSError as error:
            if not self._path.parent.is_dir():
                raise StorageError(
                    f"The output directory cannot be made: {error.strerror}.", where=str(self._path.parent)
                ) from error


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file of JSON lines; a last line that was cut off is left out. None where there is no file."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if line.endswith("\n"):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield record


def until(path: Path, iteration: int) -> str:
    """The lines of a file up to an iteration: what an interrupted run wrote after its saved state is dropped."""
    return "".join(json.dumps(record) + "\n" for record in records(path) if record.get("iteration", 0) <= iteration)
