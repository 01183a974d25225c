"""How a rank tells the process that started it what it ended with. torchrun itself only knows that a rank failed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import orjson

from sparseinst.errors import SparseInstError, TrainingError
from sparseinst.files import write_bytes

FOLDER = "SPARSEINST_VERDICTS"  # the environment variable that names it
_ERRORS = SparseInstError.__module__


class LostRank(TrainingError):
    """Not this rank's own trouble: the cause is in another rank's messages."""


def tell(error: SparseInstError) -> bool:
    """Hands the error to the process that started the ranks; whether there is one that will say it."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return False
    told = {
        "at": time.time(),
        "kind": type(error).__name__,
        "exit_code": error.exit_code,
        "problem": error.problem,
        "where": error.where,
        "fix": error.fix,
        "details": list(error.details),
    }
    write_bytes(Path(folder) / f"rank-{os.environ.get('RANK', '0')}.json", orjson.dumps(told))
    return True


def verdict(folder: Path) -> SparseInstError | None:
    """The first error that a rank ended with, rather not that it missed another rank; None where none told any."""
    told = [orjson.loads(path.read_bytes()) for path in folder.glob("rank-*.json")]
    if not told:
        return None
    first = min(told, key=lambda each: (each["kind"] == LostRank.__name__, each["at"]))
    kinds = {kind.exit_code: kind for kind in SparseInstError.__subclasses__() if kind.__module__ == _ERRORS}
    kind = kinds.get(first["exit_code"], TrainingError)
    return kind(first["problem"], where=first["where"], fix=first["fix"], details=first["details"])
