"""A run's folder on a disk that every step sees: nothing is copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sparseinst.workspace.base import Workspace


class FolderWorkspace(Workspace):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = str(folder)

    def local(self, name: str) -> Path:
        return self.folder / name

    def fetch(self, name: str, only: Sequence[str] = ()) -> Path:
        return self.folder / name

    @contextmanager
    def make(self, name: str, *, apart: Sequence[str] = (), anew: bool = False) -> Iterator[Path]:
        yield self.folder / name

    def mirror(self, name: str) -> str:
        return ""
