"""TCP ports on 127.0.0.1: which are free, and who has those that are not."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

import psutil

from sparseinst.errors import StackError

HOST = "127.0.0.1"

# SeaweedFS opens its gRPC port this far above each main port.
TWIN_DISTANCE = 10_000

# Below Linux' range for outgoing connections (32768 and up), the twins too: nobody takes a chosen port by accident.
_RANGE = range(10_000, 22_768)
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # connections that a stopped server leaves are no owner
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(avoid: Collection[int], *, preferred: int | None = None) -> int:
    """A free port, `preferred` when possible, whose twin is free too; neither is in `avoid`.

    Raises:
        StackError: No port is free.
    """
    tries = [] if preferred is None else [preferred]
    tries += [random.choice(_RANGE) for _ in range(_TRIES)]
    for port in tries:
        pair = (port, port + TWIN_DISTANCE)
        if not set(pair) & set(avoid) and all(map(is_free, pair)):
            return port
    raise StackError(
        f"No free port was found in {_RANGE.start}..{_RANGE.stop - 1}.",
        where=HOST,
        fix="End servers that are no longer needed: see `ss -ltnp`.",
    )


def require_free(port: int, purpose: str, option: str) -> None:
    """Raises StackError, naming who has the port, when it is taken."""
    if not is_free(port):
        raise StackError(
            f"Port {port} for {purpose} is taken by {_owner(port)}.",
            where=f"{HOST}:{port}",
            fix=f"End that process, give another port with {option}, or leave {option} out to get a free one.",
        )


def _owner(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        connections = []
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                break
    return "another process"
