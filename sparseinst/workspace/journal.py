"""What the steps of a run told, kept in the run's folder: `steps/<step>.jsonl`, lines as in `sparseinst.steps`.

The exit handler reads it: on a cluster it is the only one that knows why a step failed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.storage import open_storage

log = get_logger("steps")

_FOLDER = "steps"


class Journal:
    """One step's lines, after those of its earlier attempts. A place that cannot be written to costs a warning."""

    def __init__(self, folder: str, step: str) -> None:
        self._key = f"{_FOLDER}/{step}.jsonl"
        self._text = ""
        self._works = bool(folder)
        if folder:
            self._try(lambda: self._open(folder))

    def add(self, line: str) -> None:
        self._text += f"{line}\n"
        self._try(lambda: self._storage.write_bytes(self._key, self._text.encode()))

    def _open(self, folder: str) -> None:
        self._storage = open_storage(folder)
        if self._storage.exists(self._key):
            self._text = self._storage.read_bytes(self._key).decode("utf-8", "replace")

    def _try(self, action: Callable[[], None]) -> None:
        if not self._works:
            return
        try:
            action()
        except StorageError as error:
            self._works = False
            log.warning("what this step tells is not kept in the run's folder: %s", error.problem)


def read_journals(folder: str) -> dict[str, list[dict[str, Any]]]:
    """The events that each step told, by the step's name, in the order in which the steps began.

    Raises:
        StorageError: The run's folder cannot be read.
    """
    storage = open_storage(folder)
    found = {}
    for key in storage.list(_FOLDER):
        if events := events_in(storage.read_bytes(key)):
            found[key.removeprefix(f"{_FOLDER}/").removesuffix(".jsonl")] = events
    return dict(sorted(found.items(), key=lambda item: str(item[1][0].get("at", ""))))


def events_in(content: bytes) -> list[dict[str, Any]]:
    """The events in a file of them. The last line of a step that was killed while it wrote is none."""
    events = []
    for line in content.decode("utf-8", "replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
