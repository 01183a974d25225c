"""Evaluation by one process, or by several that torchrun started: each looks at its share, the first one counts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

_Item = TypeVar("_Item")


class Group(Protocol):
    """The processes; `sparseinst.training.ranks.group.Ranks` is one."""

    @property
    def rank(self) -> int: ...

    @property
    def world_size(self) -> int: ...

    @property
    def is_main(self) -> bool: ...

    def gather(self, value: Any) -> list[Any]:
        """What every process gave, in the order of the ranks."""

    def from_main(self, value: Any) -> Any:
        """The first process's value, everywhere."""


@dataclass(frozen=True, slots=True)
class Alone:
    """One process. Needs no torch."""

    rank: int = 0
    world_size: int = 1
    is_main: bool = True

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def from_main(self, value: Any) -> Any:
        return value


@contextmanager
def processes() -> Iterator[Group]:
    """The group that the environment describes."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Alone()
        return
    from sparseinst.training.ranks.group import joined_ranks

    with joined_ranks() as ranks:
        yield ranks


def batches(images: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    """The images in batches, the last of which may be smaller."""
    return [images[start : start + size] for start in range(0, len(images), size)]


def share(all_batches: Sequence[Sequence[_Item]], group: Group) -> Sequence[Sequence[_Item]]:
    """This process's batches. Whole ones, so that an image has the same company, and the same answer, in any group."""
    return all_batches[group.rank :: group.world_size]
