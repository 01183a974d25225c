"""Bringing the local stack up and down."""

from __future__ import annotations

import dataclasses
import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sparseinst.errors import SparseInstError, StackError
from sparseinst.log import get_logger
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack import ports, seaweed, supervisor, triton
from sparseinst.serving.stack.state import StackState, read_state
from sparseinst.serving.stack.status import model_status, server_status

log = get_logger("stack")

# A model that a user may reach by a port of their choice, and what it is called on the command line.
OPTIONS = {"s3": "--s3-port", "http": "--http-port", "grpc": "--grpc-port", "metrics": "--metrics-port"}
_PORTS = (*OPTIONS, "s3_grpc", "master", "volume", "filer", "admin")
_SERVERS = {"s3": seaweed, "triton": triton}  # in the order of starting; Triton reads its models from S3
_LOAD_LIMIT_S = 300.0  # warm-up included


def up(root: Path, asked: Mapping[str, int] | None = None) -> StackState:
    """Makes the stack in `root` serve: starts what is down, and loads what the model repository publishes.

    Returns at once when all is well. When it fails, what it started is ended again.

    Args:
        root: The stack's folder: state, logs, S3 data.
        asked: Ports by name ("s3", "http", "grpc", "metrics"); others keep the last start's ports or get free ones.

    Raises:
        StackError: A port is taken, or a server does not start.
    """
    root = root.resolve()
    with _alone(root):
        state = read_state(root) or StackState(root=root)
        moved = {name for name, port in (asked or {}).items() if state.ports.get(name) != port}
        broken = _broken_servers(state)
        if moved and len(broken) < len(_SERVERS):
            raise StackError(
                f"The stack runs already, with other ports for {', '.join(sorted(moved))}.",
                where=str(root),
                fix="Run `sparseinst stack down` first.",
            )
        for name in broken:
            _SERVERS[name].require_program()
        for name in reversed(broken):
            state = _stop(state, name)
        if len(broken) == len(_SERVERS):
            state = dataclasses.replace(state, ports=_choose_ports(state.ports, asked or {}))
        try:
            for name in broken:
                state = _start(state, name)
            _load_models(state)
        except BaseException:  # an interrupt too: nothing that was started may stay
            for name in reversed(broken):
                state = _stop(state, name)
            raise
    return state


def down(root: Path) -> list[str]:
    """Ends the stack's servers and everything they started. Data, ports and credentials stay for the next start.

    Returns:
        The names of the servers that ran.
    """
    root = root.resolve()
    state = read_state(root)
    if state is None:
        return []
    with _alone(root):
        state = read_state(root) or state
        running = [name for name, process in state.processes.items() if supervisor.is_alive(process)]
        for name in reversed(_SERVERS):
            state = _stop(state, name)
    return running


def _broken_servers(state: StackState) -> list[str]:
    """Those to start, in order. Triton goes with S3: its requests to a store that was away may hang."""
    broken = [server.name for server in server_status(state) if server.problem] if state.ports else list(_SERVERS)
    return list(_SERVERS) if "s3" in broken else broken


def _choose_ports(before: Mapping[str, int], asked: Mapping[str, int]) -> dict[str, int]:
    for name, port in asked.items():
        ports.require_free(port, name, OPTIONS[name])
    chosen = dict(asked)
    for name in _PORTS:
        if name not in chosen:
            taken = {twin for port in chosen.values() for twin in (port, port + ports.TWIN_DISTANCE)}
            chosen[name] = ports.choose_port(taken, preferred=before.get(name))
    return chosen


def _start(state: StackState, name: str) -> StackState:
    server = _SERVERS[name]
    try:
        with supervisor.uninterrupted():
            state = state.with_process(name, server.start(state))
            state.write()  # before waiting: whatever happens now, `down` finds the process
        server.wait(state)
    except BaseException:
        _stop(state, name)
        raise
    log.info("%s serves at %s", name, state.s3_url if name == "s3" else f"grpc://{state.triton_url}")
    return state


def _stop(state: StackState, name: str) -> StackState:
    process = state.processes.get(name)
    if process is None:
        return state
    if supervisor.stop(process):
        log.info("%s ended (process %d)", name, process.pid)
    if name == "triton":
        triton.remove_leftovers(state)
    state = state.without_process(name)
    state.write()
    return state


def _load_models(state: StackState) -> None:
    """Loads the published models that do not answer. One that fails is only told: the next deploy may mend it."""
    for model in model_status(state):
        if not model.problem:
            continue
        try:
            with Connection(state.triton_url, timeout_s=_LOAD_LIMIT_S) as connection:
                if model.version:  # it is loaded but dead: loading again would change nothing
                    connection.unload(model.name)
                connection.load(model.name)
            log.info("triton loaded '%s' from %s", model.name, state.model_repository)
        except SparseInstError as error:
            log.warning("triton cannot load '%s': %s", model.name, error.problem)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Lets one `up` or `down` at a time work on the folder; the others wait."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
