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

_LEASE_S = 30 * 60.0  # longer than any step: a holder that has not renewed it by then was killed with its machine
_POLL_S = 0.5

_ours: set[str] = set()  # tokens of the locks that this process holds


@contextmanager
def rollout_lock(storage: Storage, name: str, wait_s: float = 0.0) -> Iterator[Callable[[], None]]:
    """Holds the lock of the model `name`.

    The lock of a process that has died on this machine, or whose time is over, is taken.

    Args:
        storage: The model repository.
        name: The model's name.
        wait_s: How long to wait for another rollout to end.

    Yields:
        A function that raises DeployError if the lock was lost meanwhile, and renews it where half its time is over.

    Raises:
        DeployError: Another rollout of this model is going on.
    """
    lock = _Lock(storage, name)
    lock.acquire(wait_s)
    try:
        yield lock.check
    finally:
        lock.release()


def is_held(content: bytes) -> bool:
    """Whether the content of a lock's file is that of a rollout that goes on."""
    holder = _parse(content)
    return holder is not None and _is_held(holder)


class _Lock:
    def __init__(self, storage: Storage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._key = f"{name}.lock"  # beside the model's folder: Triton reads folders only
        self._token = secrets.token_hex(8)
        self._until = 0.0

    def acquire(self, wait_s: float) -> None:
        end = time.monotonic() + wait_s
        is_told = False
        _ours.add(self._token)
        try:
            while (other := self._try()) is not None:
                if time.monotonic() >= end:
                    raise DeployError(
                        f"Another rollout of '{self._name}' is going on: {other}.",
                        where=f"{self._storage.uri}/{self._key}",
                        fix="Wait until it has finished (--wait). If it cannot be running any more, delete this file.",
                    )
                if not is_told:
                    log.info("waiting for another rollout of '%s': %s", self._name, other)
                    is_told = True
                time.sleep(_POLL_S)
        except BaseException:
            _ours.discard(self._token)
            raise

    def check(self) -> None:
        if (_read(self._storage, self._key) or {}).get("token") != self._token:
            raise DeployError(
                "Another rollout took the lock.",
                where=f"{self._storage.uri}/{self._key}",
                fix="Wait for the other one, then run the command again.",
            )
        if self._until - time.time() < _LEASE_S / 2:
            self._storage.write_bytes(self._key, self._content())

    def release(self) -> None:
        _ours.discard(self._token)
        try:
            if (_read(self._storage, self._key) or {}).get("token") == self._token:
                self._storage.delete(self._key)
        except SparseInstError as error:
            log.warning("the lock %s/%s stays for the next rollout: %s", self._storage.uri, self._key, error.problem)

    def _try(self) -> str | None:
        """None where the lock is ours now, else who holds it."""
        if self._storage.create(self._key, self._content()):
            return None
        other = _read(self._storage, self._key)
        if other is not None and _is_held(other):
            return f"process {other['pid']} on {other['machine']}"
        # Two that find the same stale lock: one creates the new one, and the other is refused here or by check().
        log.warning("taking the lock of a rollout that has died")
        self._storage.delete(self._key)
        return None if self._storage.create(self._key, self._content()) else "it has just begun"

    def _content(self) -> bytes:
        self._until = time.time() + _LEASE_S
        holder = {
            "token": self._token,
            "machine": socket.gethostname(),
            "pid": os.getpid(),
            "process_started": psutil.Process().create_time(),
            "until": self._until,
        }
        return json.dumps(holder).encode()


def _read(storage: Storage, key: str) -> dict[str, Any] | None:
    """The holder, or None where there is no lock, or none that can be read."""
    return _parse(storage.read_bytes(key)) if storage.exists(key) else None


def _parse(content: bytes) -> dict[str, Any] | None:
    try:
        holder = json.loads(content)
    except ValueError:
        return None
    return holder if isinstance(holder, dict) and {"token", "machine", "pid", "until"} <= set(holder) else None


def _is_held(holder: dict[str, Any]) -> bool:
    if time.time() > holder["until"]:
        return False
    if holder["machine"] != socket.gethostname():
        return True  # nothing can be known of a process on another machine
    try:
        is_alive = abs(psutil.Process(holder["pid"]).create_time() - holder["process_started"]) < 2
    except psutil.NoSuchProcess:
        return False
    if holder["pid"] == os.getpid():  # ours, but its rollout may have ended while the repository was away
        return is_alive and holder["token"] in _ours
    return is_alive
