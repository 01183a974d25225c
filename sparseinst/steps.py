"""What a pipeline step tells the run around it: one JSON line when it starts, one when it ends.

The file is named by SPARSEINST_STEPS and read by the local run, which makes its table and its exit code from it.
In a pod the variable is not set, and Kubeflow itself knows what became of the step.

    {"step": "train", "event": "start", "at": "2026-11-23T12:04:31+00:00"}
    {"step": "train", "event": "end", "at": …, "state": "succeeded", "seconds": 61.3, "facts": {"step": 900}}
    {"step": "train", "event": "end", "at": …, "state": "failed", "seconds": 0.2, "exit_code": 3,
     "error": {"problem": "…", "where": "…", "fix": "…"}}
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sparseinst.errors import SparseInstError
from sparseinst.log import set_up_logging

STEPS_FILE = "SPARSEINST_STEPS"


@contextmanager
def step(name: str) -> Iterator[dict[str, Any]]:
    """Runs one step of the pipeline. What is put into the given dictionary is told as the step's facts.

    A SparseInstError is printed without a traceback and ends the process with its exit code. Any other exception is
    a bug: it is noted and goes on with its traceback.
    """
    set_up_logging()
    facts: dict[str, Any] = {}
    start = time.monotonic()
    _tell(step=name, event="start")
    try:
        yield facts
    except BaseException as error:
        _tell(step=name, event="end", state="failed", seconds=_since(start), **_description(error))
        if isinstance(error, SparseInstError):
            print(f"error: {error}", file=sys.stderr, flush=True)
            sys.exit(error.exit_code)
        raise
    _tell(step=name, event="end", state="succeeded", seconds=_since(start), exit_code=0, facts=facts)


def _description(error: BaseException) -> dict[str, Any]:
    if isinstance(error, SparseInstError):
        told = {"problem": error.problem, "where": error.where, "fix": error.fix}
        return {"error": told, "exit_code": error.exit_code}
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        return {"error": {"problem": f"The step ended itself with exit code {code}."}, "exit_code": code or 1}
    return {"error": {"problem": f"{type(error).__name__}: {error}"}, "exit_code": 1}


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)


def _tell(**event: Any) -> None:
    path = os.environ.get(STEPS_FILE)
    if not path:
        return
    line = json.dumps({**event, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}, default=str)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")
