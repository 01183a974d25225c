"""Which entry of the old file an entry of a file in between was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt


class Origins:
    """Follows entries through deletions: they move up in their list, and the diff still names them as the old file."""

    def __init__(self) -> None:
        self._deleted: dict[str, npt.NDArray[np.int64]] = {}

    def pointer(self, key: str, number: int) -> str:
        """The pointer in the old file."""
        deleted = self._deleted.get(key)
        if deleted is not None:
            # Of the old numbers, as many are gone below an entry as their own distance from the gaps before says.
            number += int(np.searchsorted(deleted - np.arange(len(deleted)), number, side="right"))
        return f"/{key}/{number}"

    def delete(self, deleted: Mapping[str, Sequence[int]]) -> None:
        """Takes note of deletions in the file in between."""
        for key, numbers in deleted.items():
            before = self._deleted.get(key, np.zeros(0, np.int64))
            old = [int(self.pointer(key, number).rpartition("/")[2]) for number in numbers]
            self._deleted[key] = np.sort(np.concatenate([before, np.array(old, np.int64)]))
