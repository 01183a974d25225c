"""What a deployment or a rollback has done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sparseinst.export.contract import FRONT
from sparseinst.serving.replicas import Replicas
from sparseinst.serving.rollout.fleet import Visit
from sparseinst.serving.rollout.golden import Proof
from sparseinst.serving.rollout.trial import Findings


@dataclass(frozen=True, slots=True)
class Deployment:
    """What serves now. `previous` served before; None when nothing did. With a front door it takes pictures too.

    `replicas` are those that were visited, the one on which everything was tried first.
    """

    name: str
    version: int
    previous: int | None
    repository: str
    url: str
    front_door: bool
    proof: Proof
    findings: Findings
    replicas: tuple[Visit, ...]

    @property
    def endpoint(self) -> str:
        """What --model of `predict` and `evaluate` takes; of a list of servers, the first."""
        first = Replicas(self.url).first_url
        server = first if "://" in first else f"grpc://{first}"
        return f"{server}/{self.name}"

    @property
    def front_endpoint(self) -> str:
        """Where picture files go, if there is a front door."""
        return self.endpoint + FRONT

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "endpoint": self.endpoint}
