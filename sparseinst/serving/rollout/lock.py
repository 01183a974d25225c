"""One rollout of a model at a time, wherever it is started from: the lock is a file in the model repository."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.log import get_logger
from sparseinst.storage import Storage

log = get_logger("deploy")

_LEASE_S = 30 * 60.0  # longer than any rollout: a holder that has not finished by then was killed with its machine


@contextmanager
def rollout_lock(storage: Storage, name: str) -> Iterator[Callable[[], None]]:
    """Holds the lock of the model `name`. Gives a function that raises DeployError if the lock was lost meanwhile.

    The lock of a process that has died on this machine, or whose time is over, is taken.

    Raises:
        DeployError: Another rollout of this model is going on.
    """
    key = f"{name}.lock"  # beside the model's folder: Triton reads folders only
    token = secrets.token_hex(8)
    _acquire(storage, key, name, token)

    def check() -> None:
        if (_read(storage, key) or {}).get("token") != token:
            raise DeployError(
                "Another rollout took the lock.",
                where=f"{storage.uri}/{key}",
                fix="Wait for the other one, then run the command again.",
            )

    try:
        yield check
    finally:
        _release(storage, key, token)


def _acquire(storage: Storage, key: str, name: str, token: str) -> None:
    holder = {
        "token": token,
        "machine": socket.gethostname(),
        "pid": os.getpid(),
        "process_started": psutil.Process().create_time(),
        "until": time.time() + _LEASE_S,
    }
    content = json.dumps(holder).encode()
    if storage.create(key, content):
        return
    other = _read(storage, key)
    if other is not None and _is_held(other):
        raise DeployError(
            f"Another rollout of '{name}' is going on: process {other['pid']} on {other['machine']}.",
            where=f"{storage.uri}/{key}",
            fix="Wait until it has finished. If it cannot be running any more, delete this file.",
        )
    # Two that find the same stale lock: one creates the new one, and the other is refused here or by check().
    log.warning("taking the lock of a rollout that has died")
    storage.delete(key)
    if not storage.create(key, content):
        raise DeployError(
            f"Another rollout of '{name}' has just begun.", where=f"{storage.uri}/{key}", fix="Wait, then run it again."
        )


def _release(storage: Storage, key: str, token: str) -> None:
    try:
        if (_read(storage, key) or {}).get("token") == token:
            storage.delete(key)
    except SparseInstError as error:
        log.warning("the lock %s/%s stays until its time is over: %s", storage.uri, key, error.problem)


def _read(storage: Storage, key: str) -> dict[str, Any] | None:
    """The holder, or None where there is no lock, or none that can be read."""
    if not storage.exists(key):
        return None
    try:
        holder = json.loads(storage.read_bytes(key))
    except ValueError:
        return None
    return holder if isinstance(holder, dict) and {"token", "machine", "pid", "until"} <= set(holder) else None


def _is_held(holder: dict[str, Any]) -> bool:
    if time.time() > holder["until"]:
        return False
    if holder["machine"] != socket.gethostname():
        return True  # nothing can be known of a process on another machine
    try:
        return abs(psutil.Process(holder["pid"]).create_time() - holder["process_started"]) < 2
    except psutil.NoSuchProcess:
        return False
