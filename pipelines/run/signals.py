"""Interrupting a run: a signal to the run alone ends every process that its steps started."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

from sparseinst.steps import STEPS_FILE

# A training that is told to stop writes a checkpoint first.
_GRACE_S = 15.0

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The run was asked to stop. Not an Exception: no `except Exception` on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible(before_leaving: Callable[[], None]) -> Iterator[None]:
    """Within the block SIGINT, SIGTERM and SIGHUP call `before_leaving` and then raise Interrupted.

    The steps are ended inside the signal handler, before anything is raised: who waits for a step would otherwise
    wait on until it ends by itself. Further signals, while all is put away, are ignored.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        for each in previous:
            signal.signal(each, signal.SIG_IGN)
        before_leaving()
        raise Interrupted(number)

    previous = {number: signal.signal(number, handle) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def end_processes_of(steps_file: str) -> None:
    """Ends every process that was started with SPARSEINST_STEPS=`steps_file`, however deep and whoever its parent is.

    Parents, sessions and process groups do not find them all: torchrun puts each worker into a session of its own.
    """
    found = _processes_of(steps_file)
    for process in found:
        _send(process, signal.SIGTERM)
    psutil.wait_procs(found, timeout=_GRACE_S)
    while left := _processes_of(steps_file):
        for process in left:
            _send(process, signal.SIGKILL)
        psutil.wait_procs(left, timeout=1)


def _processes_of(steps_file: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _has(process, steps_file)]


def _has(process: psutil.Process, steps_file: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(STEPS_FILE) == steps_file
    except (psutil.Error, OSError):  # it has ended, or belongs to someone else
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
