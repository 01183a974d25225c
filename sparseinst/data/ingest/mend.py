"""A source whose annotation files are repaired on their way; the source itself stays as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sparseinst.data.sources.base import Source
from sparseinst.errors import DatasetError
from sparseinst.log import get_logger

log = get_logger("ingest")


@contextmanager
def mended(source: Source, repair: bool) -> Iterator[Source]:
    """The source, or where it is to be repaired one that gives repaired annotation files."""
    if not repair:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="sparseinst-repair-") as folder:
        yield _Mended(source, Path(folder))


class _Mended(Source):
    def __init__(self, source: Source, folder: Path) -> None:
        self.uri, self.images_can_stay = source.uri, source.images_can_stay
        self._source = source
        self._folder = folder
        self._repaired: dict[str, Path] = {}

    def names(self) -> list[str]:
        return self._source.names()

    def local(self, name: str) -> Path:
        if not name.lower().endswith(".json"):
            return self._source.local(name)
        from sparseinst.data.repair.run import repair_file

        if name not in self._repaired:
            original = self._source.local(name)
            try:
                result = repair_file(original, self._folder / str(len(self._repaired)), name)
            except DatasetError:  # no program can mend it; the check of the original says why
                self._repaired[name] = original
                return original
            self._repaired[name] = result.file
            changes = ", ".join(f"{code} {count}" for code, count in result.changes.items()) or "nothing to mend"
            log.info("repaired %s: %s", name, changes)
        return self._repaired[name]

    def fetch(self, names: Sequence[str]) -> None:
        self._source.fetch(names)

    def place(self, name: str, path: Path) -> None:
        self._source.place(name, path)

    def done(self) -> None:
        self._source.done()
