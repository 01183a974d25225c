"""What every source of a data set can do, wherever its files lie."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from sparseinst.storage.disk import disk_errors


class Source(ABC):
    """The files of a data set by name: relative paths with slashes.

    `uri` is what messages call it; it holds no secrets. Every method raises StorageError where the files, the
    server or the disk are not there or not ours to use.
    """

    uri: str
    images_can_stay = False  # whether training can read them where they are

    @abstractmethod
    def names(self) -> list[str]:
        """All files, sorted; hidden ones and those of an output that lies inside the source left out."""

    @abstractmethod
    def local(self, name: str) -> Path:
        """A local path of the file, which is fetched first where it is not here yet. Read it; never write to it."""

    @abstractmethod
    def fetch(self, names: Sequence[str]) -> None:
        """Makes files local, several at a time; those that an earlier attempt brought are not fetched again."""

    @abstractmethod
    def place(self, name: str, path: Path) -> None:
        """Puts the file at `path`, in place of an older one: as a hard link where the file system has them."""

    @abstractmethod
    def done(self) -> None:
        """To be called once nothing of the source is needed any more: deletes what was kept for a later attempt."""


def link_or_copy(original: Path, path: Path) -> None:
    """Gives the file a second name, or a copy where that is not possible. The original is only read."""
    if not link(original, path):
        make_room(path)
        with disk_errors(path):
            shutil.copyfile(original, path)


def link(original: Path, path: Path) -> bool:
    """Gives the file a second name, in place of what has that name; whether the file system could."""
    try:
        try:
            os.link(original, path)
        except (FileNotFoundError, FileExistsError):
            make_room(path)
            os.link(original, path)
    except OSError:
        return False
    return True


def make_room(path: Path) -> None:
    """Makes the folder, and takes the name from the file that has it: that may be a second name of something dear."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
