"""A one-dimensional .npy file, read in pieces without being mapped into memory.

What a process maps counts as its memory as soon as it was looked at. A loader's worker looks at every row in the course
of an epoch, so it reads what it needs with `pread`: the pages stay the kernel's, and there is one copy on the machine.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sparseinst.errors import DatasetError


class Table:
    """Rows of a .npy file. It may be used in processes that were forked from the one that opened it.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no such file, or was cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{path} is not a table")
            shape, _, self.dtype = np.lib.format.read_array_header_1_0(file)
            self._begin = file.tell()
            size = file.seek(0, os.SEEK_END)
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self.rows = int(shape[0])
        if len(shape) != 1 or size != self._begin + self.rows * self.dtype.itemsize:
            raise ValueError(f"{path} is not as long as it says")

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The rows from `start` to `stop`, in memory of their own that cannot be written to."""
        if not 0 <= start <= stop <= self.rows:
            raise IndexError(f"there are no rows {start} to {stop} in {self.path}, which has {self.rows}")
        wanted = (stop - start) * self.dtype.itemsize
        content = os.pread(self._file, wanted, self._begin + start * self.dtype.itemsize) if wanted else b""
        if len(content) != wanted:
            raise DatasetError("An index was cut short.", where=str(self.path), fix="Delete its folder.")
        return np.frombuffer(content, self.dtype)

    def column(self, name: str) -> npt.NDArray[Any]:
        """One field of all rows, copied."""
        mapped = np.load(self.path, mmap_mode="r")
        return np.array(mapped[name])
