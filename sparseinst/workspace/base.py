"""What a step asks of the folder of its run. The parts of a run ("dataset", "train", …) are folders in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path


class Workspace(ABC):
    """The folder of one run. `address` is what other steps, on other machines, find it by."""

    address: str

    def at(self, name: str) -> str:
        """The address of a part, for the steps that follow."""
        return f"{self.address}/{name}"

    @abstractmethod
    def local(self, name: str) -> Path:
        """Where the part is on this machine, or will be."""

    @abstractmethod
    def fetch(self, name: str, only: Sequence[str] = ()) -> Path:
        """The part as local files. Read them; never write to them.

        Args:
            name: The part.
            only: Files in it that are enough; by default all.

        Raises:
            StorageError: The step that makes it did not end well, or the part cannot be had.
        """

    @abstractmethod
    def make(self, name: str, *, apart: Sequence[str] = (), anew: bool = False) -> AbstractContextManager[Path]:
        """Gives the local folder that becomes the part. What an earlier attempt left is there when the block begins.

        When the block ends the part is where other steps find it; after an error what there is, for the next attempt.

        Args:
            name: The part.
            apart: Files and folders in it that are kept in another way, see `mirror`.
            anew: The block has no use for what an earlier attempt left: nothing is copied for it.

        Raises:
            StorageError: It cannot be brought here, or brought back.
        """

    @abstractmethod
    def mirror(self, name: str) -> str:
        """Where a part's saved states go while it is made; empty where its folder outlives this machine anyway."""
