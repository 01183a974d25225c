"""Which replica serves what, beside what the repository publishes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from sparseinst.errors import SparseInstError
from sparseinst.serving.replicas import Replica, Replicas
from sparseinst.serving.rollout.member import Pair
from sparseinst.storage import open_storage

_LIMIT_S = 10.0
_AT_A_TIME = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """What one replica serves.

    Attributes:
        address: host:port.
        version: Of the model; None where it serves none.
        fingerprint: What its answers carry, in hexadecimal; empty where it serves none.
        front_door: Whether it takes pictures, too.
        problem: Why that is not known, or what is not as it is published; empty where all is well.
    """

    address: str
    version: int | None = None
    fingerprint: str = ""
    front_door: bool = False
    problem: str = ""

    def __str__(self) -> str:
        serves = "nothing" if self.version is None else f"version {self.version}  {self.fingerprint}"
        front = "  with a front door" if self.front_door else ""
        return f"{self.address:<24} {serves}{front}{'  ' if self.problem else ''}{self.problem}"


@dataclass(frozen=True, slots=True)
class Standings:
    """All replicas of a model; `published` is the version of the repository, None where none was asked or holds one."""

    name: str
    published: int | None
    replicas: tuple[Standing, ...]

    @property
    def problems(self) -> list[str]:
        """One sentence for every replica that is not as it should be, and one where they differ."""
        told = [f"{replica.address}: {replica.problem}" for replica in self.replicas if replica.problem]
        marks = {(replica.version, replica.fingerprint) for replica in self.replicas}
        return told or ([f"they serve {len(marks)} different versions"] if len(marks) > 1 else [])

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "equal": not self.problems}


def standings(name: str, url: str, to: str | None = None) -> Standings:
    """Asks every replica at the same time.

    Args:
        name: The model's name.
        url: As for `deploy`.
        to: The model repository; without it the replicas are held against each other only.

    Raises:
        Unresolved: The name has no address.
        StorageError: The repository cannot be read.
    """
    published = Pair.published(open_storage(to), name) if to else None
    found = Replicas(url).resolve()
    with ThreadPoolExecutor(min(len(found), _AT_A_TIME)) as pool:
        replicas = tuple(pool.map(lambda replica: _look(replica, name, published), found))
    return Standings(name, published.version if published else None, replicas)


def _look(replica: Replica, name: str, published: Pair | None) -> Standing:
    try:
        with replica.connect(_LIMIT_S) as triton:
            served = Pair.served(triton, name)
    except SparseInstError as error:
        return Standing(replica.address, problem=error.problem)
    problem = "" if published is None else served.difference(published)
    return Standing(replica.address, served.version, served.fingerprint, served.front is not None, problem)
