"""What a model's repository remembers of its rollouts: which versions served, and which one is being tried."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Journal:
    """The versions that served, in the order in which a rollback goes back through them, the one in service last.

    A version that was taken back is not among them: going back again leads past it. `trying` is the version of a
    rollout that has not ended. `replicas` are the addresses at which the version in service was proven when its rollout
    ended; none where that is not known.
    """

    served: tuple[int, ...] = ()
    trying: int | None = None
    replicas: tuple[str, ...] = ()

    @classmethod
    def read(cls, content: bytes | None, whole: Sequence[int], current: int | None) -> Self:
        """The journal as the repository bears it out.

        Args:
            content: The file; None or damaged for a repository that has none: there each whole version served.
            whole: The whole versions, ascending.
            current: The version in service. It decides: a rollback changes nothing but this.
        """
        try:
            entries = json.loads(content or b"")
            served, trying = [int(version) for version in entries["served"]], entries["trying"]
            trying = None if trying is None else int(trying)
            replicas = tuple(map(str, entries.get("replicas", ()))) if current in served[-1:] else ()
        except (ValueError, TypeError, KeyError):
            served, trying, replicas = [version for version in whole if version <= (current or 0)], None, ()
        if current in served:
            served = served[: served.index(current)]
        served = [version for version in served if version in whole and version != trying]
        return cls((*served, *([] if current is None else [current])), trying, replicas)

    def write(self) -> bytes:
        return json.dumps({"served": self.served, "trying": self.trying, "replicas": self.replicas}).encode()

    @property
    def previous(self) -> int | None:
        """Where a rollback leads."""
        return self.served[-2] if len(self.served) > 1 else None
