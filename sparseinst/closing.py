"""What has to be closed can be used in a `with` block."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """A `with` block over it ends with `close()`."""

    def close(self) -> None:
        """Lets go of what is held; nothing, where nothing is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
