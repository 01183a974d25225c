"""Whether the stack really serves: its processes, its servers' answers, and one small inference by each model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparseinst.errors import SparseInstError, StackError
from sparseinst.export.contract import OUTPUTS
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack import seaweed, supervisor, triton
from sparseinst.serving.stack.state import StackState, read_state

_CANARY = np.zeros((1, 3, 32, 32), np.uint8)
_CANARY_LIMIT_S = 20.0
_CANDIDATE = "_candidate"  # a rollout's model under test: never part of what the stack has to serve


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server; `problem` is empty when it serves."""

    name: str
    address: str
    pid: int | None
    log: Path
    problem: str


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One published model; `problem` is empty when it answers."""

    name: str
    version: str
    problem: str


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The whole stack."""

    root: Path
    servers: tuple[ServerStatus, ...]
    models: tuple[ModelStatus, ...]

    @property
    def problems(self) -> list[str]:
        """One sentence for everything that does not serve."""
        return [
            f"{kind} {part.name}: {part.problem}"
            for kind, parts in (("server", self.servers), ("model", self.models))
            for part in parts
            if part.problem
        ]

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        servers = {
            server.name: {
                "address": server.address,
                "pid": server.pid,
                "log": str(server.log),
                "problem": server.problem,
            }
            for server in self.servers
        }
        models = {model.name: {"version": model.version, "problem": model.problem} for model in self.models}
        return {"root": str(self.root), "healthy": not self.problems, "servers": servers, "models": models}


def status(root: Path) -> StackStatus:
    """Looks at the stack in `root`.

    Raises:
        StackError: No stack was ever started there.
    """
    state = read_state(root)
    if state is None:
        raise StackError("There is no stack.", where=str(root), fix="Run `sparseinst stack up`.")
    servers = server_status(state)
    models = () if any(server.problem for server in servers) else tuple(model_status(state))
    return StackStatus(state.root, servers, models)


def server_status(state: StackState) -> tuple[ServerStatus, ...]:
    """S3 and Triton, in this order."""
    rows = []
    for name, address, probe in (
        ("s3", state.s3_url, seaweed.problem),
        ("triton", f"grpc://{state.triton_url}", triton.problem),
    ):
        process = state.processes.get(name)
        if process is None:
            rows.append(ServerStatus(name, address, None, state.log(name), "stopped"))
        elif not supervisor.is_alive(process):
            rows.append(ServerStatus(name, address, None, state.log(name), f"its process {process.pid} has died"))
        else:
            rows.append(ServerStatus(name, address, process.pid, state.log(name), probe(state)))
    return tuple(rows)


def model_status(state: StackState) -> list[ModelStatus]:
    """Every model that the repository publishes. "Ready" is not believed: a dead Python stub leaves it standing."""
    with Connection(state.triton_url, timeout_s=_CANARY_LIMIT_S) as connection:
        index = {entry.name: entry for entry in connection.models() if entry.state == "READY"}
    return [
        ModelStatus(name, index[name].version, _canary(state, name))
        if name in index
        else ModelStatus(name, "", "is not loaded; see Triton's log")
        for name in published_models(state)
    ]


def published_models(state: StackState) -> list[str]:
    return [name for name in seaweed.published_models(state) if not name.endswith(_CANDIDATE)]


def _canary(state: StackState, model: str) -> str:
    with TritonClient(state.triton_url, model, timeout_s=_CANARY_LIMIT_S) as client:
        try:
            client.infer(_CANARY, [OUTPUTS[0].name])
        except SparseInstError as error:
            return error.problem
    return ""
