"""Servers that outlive the command that starts them, known by process id and start time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from sparseinst.errors import StackError

_POLL_S = 0.05
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOG_LINES = 12  # of a server that did not start, shown in the error

# The process object of each server that this Python process started: a dead child must be reaped by its parent.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process id alone may belong to somebody else tomorrow; with the start time it is unique."""

    pid: int
    started: float  # seconds since the epoch


def start(command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> ProcessId:
    """Starts a server in a session of its own; its output goes to `log`, the log before is kept as <log>.previous.

    Raises:
        StackError: The program cannot be run.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        os.replace(log, f"{log}.previous")
    try:
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
            )
    except OSError as error:
        raise StackError(
            f"The program cannot be run: {error.strerror}.", where=command[0], fix="Run `make setup` again."
        ) from error
    _children[child.pid] = child
    return ProcessId(child.pid, _start_time(child.pid) or time.time())


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds back SIGINT, SIGTERM and SIGHUP until the block has ended.

    A server whose start is interrupted before its process id is noted would stay for ever. The signals are not
    blocked by a mask, because the server would inherit it and could not be ended by them.
    """
    if threading.current_thread() is not threading.main_thread():  # signals do not reach it
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda caught, _: came.append(caught)) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            os.kill(os.getpid(), came[0])


def is_alive(process: ProcessId) -> bool:
    """Whether this very process still runs; one that ended but was not reaped does not."""
    child = _children.get(process.pid)
    if child is not None:
        if child.poll() is None:  # a killed process looks dead while its last threads still hold its ports
            return True
        _children.pop(process.pid, None)
        return False
    started = _start_time(process.pid)
    return started is not None and abs(started - process.started) < 2  # the system's clock may be set meanwhile


def stop(process: ProcessId, *, grace_s: float = 20) -> bool:
    """Ends a server and everything it started: SIGTERM, then after `grace_s` seconds SIGKILL.

    Returns:
        Whether it still ran.
    """
    _reap()
    alive = is_alive(process)
    if alive:
        _send(process.pid, signal.SIGTERM)
        _wait(lambda: not is_alive(process), grace_s)
    elif _start_time(process.pid) is not None:
        return False  # the id belongs to somebody else by now, and so would a session of that number
    _wait(lambda: not _session(process.pid), 3 if alive else 0)
    for pid in _session(process.pid):
        _send(pid, signal.SIGKILL)
    _wait(lambda: not is_alive(process) and not _session(process.pid), 10)
    return alive


def wait_until_ready(server: str, process: ProcessId, log: Path, ready: Callable[[], bool], limit_s: float) -> None:
    """Waits until `ready()`.

    Raises:
        StackError: The process ended, or the limit passed. Holds the log's last lines.
    """
    deadline = time.monotonic() + limit_s
    while not ready():
        ended = not is_alive(process)
        if ended or time.monotonic() > deadline:
            raise StackError(
                f"The {server} server ended while it started."
                if ended
                else f"The {server} server was not ready within {limit_s:.0f} s.",
                where=str(log),
                details=_last_lines(log),
                fix="See the log. If a port was taken meanwhile, or the machine was busy, run the command again.",
            )
        time.sleep(_POLL_S)


def _reap() -> None:
    """Forgets children that have ended; another process may have noticed it, and started others in their place."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)


def _start_time(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def _session(leader: int) -> list[int]:
    """The living processes of the session that `leader` opened; Triton's Python stubs are among them."""
    members = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader and _start_time(pid) is not None:
                members.append(pid)
        except OSError:
            continue
    return members


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait(condition: Callable[[], bool], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _last_lines(log: Path) -> list[str]:
    try:
        return log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-_LOG_LINES:]
    except OSError:
        return []
