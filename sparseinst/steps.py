"""What a pipeline step tells the run around it: one JSON line when it starts, one when it ends.

    {"step": "train", "event": "start", "at": "2026-11-23T12:04:31+00:00"}
    {"step": "train", "event": "end", "at": …, "state": "succeeded", "seconds": 61.3, "facts": {"step": 900}}
    {"step": "train", "event": "end", "at": …, "state": "failed", "seconds": 0.2, "exit_code": 3,
     "error": {"problem": "…", "where": "…", "fix": "…"}}

They go into the run's folder (sparseinst/workspace/journal.py), where the exit handler reads them; and into the file
that SPARSEINST_STEPS names, from which the local run makes its table and its exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from sparseinst.errors import Preempted, SparseInstError
from sparseinst.log import set_up_logging
from sparseinst.workspace.journal import Journal

STEPS_FILE = "SPARSEINST_STEPS"

_MOST_DETAILS = 20


class Stopped(SystemExit):
    """SIGTERM came. No Exception, so that nothing takes it for one of its own errors; `finally` blocks tidy up."""


@contextmanager
def step(name: str, folder: str = "") -> Iterator[dict[str, Any]]:
    """Runs one step of the pipeline. What is put into the given dictionary is told as the step's facts.

    A SparseInstError is printed without a traceback and ends the process with its exit code; SIGTERM ends it with 75,
    after `finally` blocks. Any other exception is a bug: it is noted and goes on with its traceback.

    Args:
        name: What the step is called.
        folder: The run's folder, a path or an address; empty where there is none.
    """
    set_up_logging()
    facts: dict[str, Any] = {}
    start = time.monotonic()
    journal = Journal(folder, name)
    _tell(journal, step=name, event="start")
    try:
        with _stoppable():
            yield facts
    except BaseException as error:
        _tell(journal, step=name, event="end", state="failed", seconds=_since(start), **_description(error))
        if isinstance(error, SparseInstError):
            print(f"error: {error}", file=sys.stderr, flush=True)
            sys.exit(error.exit_code)
        raise
    _tell(journal, step=name, event="end", state="succeeded", seconds=_since(start), exit_code=0, facts=facts)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Lets SIGTERM raise Stopped. What knows better, e.g. training, has a handler of its own for as long as it runs."""
    if threading.current_thread() is not threading.main_thread():  # elsewhere Python allows no handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped(Preempted.exit_code)


def _description(error: BaseException) -> dict[str, Any]:
    if isinstance(error, SparseInstError):
        told = {"problem": error.problem, "where": error.where, "fix": error.fix}
        more = {"details": list(error.details[:_MOST_DETAILS])} if error.details else {}
        return {"error": {**told, **more}, "exit_code": error.exit_code}
    if isinstance(error, Stopped):
        told = {"problem": "The step was stopped from outside (SIGTERM).", "fix": "Run it again."}
        return {"error": told, "exit_code": error.code}
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        return {"error": {"problem": f"The step ended itself with exit code {code}."}, "exit_code": code or 1}
    return {"error": {"problem": f"{type(error).__name__}: {error}"}, "exit_code": 1}


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)


def _tell(journal: Journal, **event: Any) -> None:
    line = json.dumps({**event, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}, default=str)
    journal.add(line)
    path = os.environ.get(STEPS_FILE)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
