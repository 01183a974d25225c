"""Which models may answer, and which one is asked: what the front door's configuration says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Self

from sparseinst.data.categories import Category
from sparseinst.export.contract import fingerprint
from sparseinst.imaging.resize import target_size

_GOLDEN_RATIO = (sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class KnownModel:
    """A model whose answers can be read, because its metadata are known."""

    fingerprint: bytes
    categories: tuple[Category, ...]  # in the order of the class index
    short_side: int
    longest_side: int
    mask_threshold: float
    checkpoint: str  # SHA-256, hexadecimal

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        return cls(
            fingerprint=fingerprint(metadata),
            categories=tuple(Category(int(entry["id"]), str(entry["name"])) for entry in metadata["categories"]),
            short_side=int(metadata["short_side"]),
            longest_side=int(metadata["longest_side"]),
            mask_threshold=float(metadata["mask_threshold"]),
            checkpoint=str(metadata["checkpoint_sha256"]),
        )

    def target(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) at which it is to see an image."""
        return target_size(height, width, self.short_side, self.longest_side)


@dataclass(frozen=True, slots=True, eq=False)
class Addressed:
    """A model of Triton's by its name, and those that may answer under it; during a switch there are two."""

    name: str
    known: Sequence[KnownModel]


@dataclass(slots=True)
class Share:
    """Takes a share of the requests, evenly and always the same ones.

    The multiples of the golden ratio, modulo 1, fill the interval evenly. Every tenth request in turn would be the same
    one of ten cameras.
    """

    share: float
    _asked: int = field(default=0, init=False)

    def takes(self) -> bool:
        """Whether the next request belongs to it."""
        self._asked += 1
        return self._asked * _GOLDEN_RATIO % 1 < self.share


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model that is on trial. In the shadow it is asked, but never answers a client."""

    addressed: Addressed
    share: Share
    shadow: bool


@dataclass(frozen=True, slots=True, eq=False)
class Routing:
    service: Addressed
    candidate: Candidate | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of the configuration's parameter; `sparseinst.export.front_door` writes it."""
        content = json.loads(text)
        service = Addressed(str(content["model"]), [KnownModel.of(metadata) for metadata in content["known"]])
        if not service.known:
            raise ValueError("no model is known")
        canary = content["canary"]
        if canary is None:
            return cls(service, None)
        addressed = Addressed(str(canary["model"]), [KnownModel.of(canary["metadata"])])
        return cls(service, Candidate(addressed, Share(float(canary["share"])), bool(canary["shadow"])))
