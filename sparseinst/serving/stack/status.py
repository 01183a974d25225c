"""Whether the stack really serves: its processes, its servers' answers, and one small inference by each model.

All servers are asked at the same time, then all models, each with a limit: a part that hangs is told within 15 seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparseinst.errors import SparseInstError, StackError
from sparseinst.export.contract import FRONT
from sparseinst.serving.connection import ServedModel
from sparseinst.serving.rollout.beside import CANDIDATE
from sparseinst.serving.stack import canary, seaweed, supervisor, triton
from sparseinst.serving.stack.state import WATCH, StackState, read_state

_INDEX_LIMIT_S = 5.0
_CHANGING = ("LOADING", "UNLOADING")


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, or the watcher; `problem` is empty when it does its work."""

    name: str
    address: str
    pid: int | None
    log: Path
    problem: str

    def __str__(self) -> str:
        return self.problem or ("watches" if self.name == WATCH else "serves")


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One published model; `problem` is empty when it answers, or while it is just being loaded or unloaded."""

    name: str
    version: str
    problem: str
    is_changing: bool = False

    def __str__(self) -> str:
        return self.problem or ("is being loaded" if self.is_changing else "serves")


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
        models = {
            model.name: {"version": model.version, "problem": model.problem, "changing": model.is_changing}
            for model in self.models
        }
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
    models: tuple[ModelStatus, ...] = ()
    if not any(server.problem for server in servers):
        try:
            models = tuple(model_status(state))
        except SparseInstError as error:  # a server went between the two questions
            lost = "s3" if error.where == state.s3_url else "triton"
            servers = tuple(replace(row, problem=error.problem) if row.name == lost else row for row in servers)
    return StackStatus(state.root, servers + watch_status(state), models)


def server_status(state: StackState) -> tuple[ServerStatus, ...]:
    """S3 and Triton, in this order."""
    probes = (("s3", state.s3_url, seaweed.problem), ("triton", f"grpc://{state.triton_url}", triton.problem))
    with ThreadPoolExecutor(len(probes)) as pool:
        return tuple(pool.map(lambda probe: _server(state, *probe), probes))


def watch_status(state: StackState) -> tuple[ServerStatus, ...]:
    """The watcher in the background, if the stack has one."""
    return (_server(state, WATCH, f"the stack in {state.root}", lambda _: ""),) if WATCH in state.processes else ()


def model_status(state: StackState) -> list[ModelStatus]:
    """Every model that the repository publishes.

    Raises:
        StackError: Triton or S3 does not answer.
    """
    index = _index(state)
    names = published_models(state)
    asked = [name for name in names if name in index and index[name].state == "READY"]
    with ThreadPoolExecutor(max(len(asked), 1)) as pool:
        problems = dict(zip(asked, pool.map(lambda name: canary.problem(state, name), asked), strict=True))
    if any(problems.values()):
        index = _index(state)  # one that is unloaded while it is asked fails, and is no failure
    return [_model(name, index.get(name), problems.get(name, "is not loaded; see Triton's log")) for name in names]


def published_models(state: StackState) -> list[str]:
    """What the stack has to serve; a rollout's model under test is no part of it."""
    return [name for name in seaweed.published_models(state) if not name.removesuffix(FRONT).endswith(CANDIDATE)]


def _server(state: StackState, name: str, address: str, probe: Callable[[StackState], str]) -> ServerStatus:
    process = state.processes.get(name)
    if process is None:
        return ServerStatus(name, address, None, state.log(name), "stopped")
    if not supervisor.is_alive(process):
        return ServerStatus(name, address, None, state.log(name), f"its process {process.pid} has died")
    return ServerStatus(name, address, process.pid, state.log(name), probe(state))


def _model(name: str, entry: ServedModel | None, problem: str) -> ModelStatus:
    if entry is not None and entry.state in _CHANGING:
        return ModelStatus(name, "", "", is_changing=True)
    return ModelStatus(name, entry.version if entry is not None and entry.state == "READY" else "", problem)


def _index(state: StackState) -> dict[str, ServedModel]:
    """By name; of a model that changes versions, the version that serves."""
    with triton.connect(state, timeout_s=_INDEX_LIMIT_S) as connection:
        entries = connection.models()
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.state == "READY")}
