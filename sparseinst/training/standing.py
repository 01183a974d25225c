"""How far a run has come: the few numbers that decide what it does next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Standing:
    """Saved with each state.

    Attributes:
        iteration: How many are done.
        seconds: Of training, all attempts together.
        bad_steps: Steps in a row, up to now, whose loss was no number.
        examined: The iteration of the last evaluation.
        best_ap, best_iteration: Of the best evaluation so far; -1 before the first.
        worse: Evaluations since then.
        ended: Why the run ended before its last iteration; empty where it did not.
    """

    iteration: int = 0
    seconds: float = 0.0
    bad_steps: int = 0
    examined: int = 0
    best_ap: float = -1.0
    best_iteration: int = -1
    worse: int = 0
    ended: str = ""

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Standing:
        return cls(**values)

    def mark(self, ap: float) -> bool:
        """Counts an evaluation at this iteration; whether it is the best so far."""
        self.examined = self.iteration
        if ap > self.best_ap:
            self.best_ap, self.best_iteration, self.worse = ap, self.iteration, 0
            return True
        self.worse += 1
        return False
