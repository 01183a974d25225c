"""A deployer that is killed with SIGKILL at a chosen step, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout import deploy
from sparseinst.storage.s3 import S3Storage

# Imports once what every deployer needs, and then forks for each: it holds no connection and no thread.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.serving.rollout.killed", "boto3"])

_STEPS = {"write_bytes": (S3Storage, 1), "load": (Connection, 1)}  # class, place of the name


def kill_deployer(export: Path, to: str, url: str, environment: Mapping[str, str], after: tuple[str, str]) -> None:
    """Runs a deployment that kills itself.

    Args:
        export: What is deployed.
        to: The model repository.
        url: Triton's address.
        environment: What the process needs in its environment.
        after: A method ("write_bytes" or "load"), and the key or name of the call after which it dies.
    """
    process = _context.Process(target=_deploy, args=(export, to, url, dict(environment), *after))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL


def _deploy(export: Path, to: str, url: str, environment: Mapping[str, str], method: str, key: str) -> None:
    os.environ.update(environment)
    kind, place = _STEPS[method]
    setattr(kind, method, _deadly(getattr(kind, method), place, key))
    deploy(export, to, url)


def _deadly(method: Callable[..., Any], place: int, key: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        result = method(*arguments)
        if arguments[place] == key:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call
