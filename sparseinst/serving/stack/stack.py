"""Bringing the local stack up and down."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping
from pathlib import Path

from sparseinst.errors import StackError
from sparseinst.log import get_logger
from sparseinst.serving.stack import ports, seaweed, supervisor, triton, watcher
from sparseinst.serving.stack.lock import alone, alone_if_free
from sparseinst.serving.stack.models import load_models
from sparseinst.serving.stack.state import WATCH, StackState, read_state
from sparseinst.serving.stack.status import server_status

log = get_logger("stack")

# A model that a user may reach by a port of their choice, and what it is called on the command line.
OPTIONS = {"s3": "--s3-port", "http": "--http-port", "grpc": "--grpc-port", "metrics": "--metrics-port"}
_PORTS = (*OPTIONS, "s3_grpc", "master", "volume", "filer", "admin")
SERVERS = {"s3": seaweed, "triton": triton}  # in the order of starting; Triton reads its models from S3


def up(root: Path, asked: Mapping[str, int] | None = None, *, watch: bool = False) -> StackState:
    """Makes the stack in `root` serve: starts what is down, and loads what the model repository publishes.

    Returns at once when all is well. When it fails, what it started is ended again.

    Args:
        root: The stack's folder: state, logs, S3 data.
        asked: Ports by name ("s3", "http", "grpc", "metrics"); others keep the last start's ports or get free ones.
        watch: Also start the process that repairs the stack from now on. One that was started before is kept.

    Raises:
        StackError: A port is taken, or a server does not start.
    """
    root = root.resolve()
    with alone(root):
        state = read_state(root) or StackState(root=root)
        broken = _broken_servers(state)
        moved = {name for name, port in (asked or {}).items() if state.ports.get(name) != port}
        if moved and len(broken) < len(SERVERS):
            raise StackError(
                f"The stack runs already, with other ports for {', '.join(sorted(moved))}.",
                where=str(root),
                fix="Run `sparseinst stack down` first.",
            )
        state = _make_serve(state, broken, asked or {})
        return _make_watched(state) if watch or WATCH in state.processes else state


def repair(root: Path, leave: Container[str]) -> None:
    """What `up` does, for a stack that is up. Does nothing while another command works on it, or once it is down.

    Args:
        root: The stack's folder.
        leave: Names of models that are left as they are.
    """
    with alone_if_free(root) as free:
        state = read_state(root) if free else None
        if state is not None and any(name in state.processes for name in SERVERS):
            _make_serve(state, _broken_servers(state), {}, leave)


def down(root: Path) -> list[str]:
    """Ends the stack's servers and everything they started. Data, ports and credentials stay for the next start.

    Returns:
        The names of the processes that ran.
    """
    root = root.resolve()
    state = read_state(root)
    if state is None:
        return []
    running = [name for name, process in state.processes.items() if supervisor.is_alive(process)]
    if WATCH in state.processes:
        supervisor.stop(state.processes[WATCH])  # first of all: it might be repairing, and hold the lock
    with alone(root):
        state = read_state(root) or state
        running += [name for name, process in state.processes.items() if supervisor.is_alive(process)]
        for name in reversed([*SERVERS, WATCH]):
            state = _stop(state, name)
    return list(dict.fromkeys(running))


def _broken_servers(state: StackState) -> list[str]:
    """Those to start, in order. Triton goes with S3: its requests to a store that was away may hang."""
    broken = [server.name for server in server_status(state) if server.problem] if state.ports else list(SERVERS)
    return list(SERVERS) if "s3" in broken else broken


def _make_serve(
    state: StackState, broken: list[str], asked: Mapping[str, int], leave: Container[str] = ()
) -> StackState:
    for name in broken:
        SERVERS[name].require_program()
    for name in reversed(broken):
        state = _stop(state, name)
    if len(broken) == len(SERVERS):
        state = dataclasses.replace(state, ports=_choose_ports(state.ports, asked))
    try:
        for name in broken:
            state = _start(state, name)
        load_models(state, leave)
    except BaseException:  # an interrupt too: nothing that was started may stay
        for name in reversed(broken):
            state = _stop(state, name)
        raise
    return state


def _make_watched(state: StackState) -> StackState:
    if WATCH in state.processes and supervisor.is_alive(state.processes[WATCH]):
        return state
    with supervisor.uninterrupted():
        state = state.with_process(WATCH, watcher.start(state))
        state.write()
    return state


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
    server = SERVERS[name]
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
