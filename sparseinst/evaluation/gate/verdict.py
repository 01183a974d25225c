"""What the gate says: a decision, and of every check what it found, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Decision: TypeAlias = Literal["pass", "fail", "investigate"]
Outcome: TypeAlias = Literal["pass", "fail", "investigate", "not asked"]

_HEADLINES = ("minimum", "regression", "latency", "parity")
_WEIGHT: dict[str, int] = {"not asked": 0, "pass": 0, "investigate": 1, "fail": 2}
_BY_WEIGHT: tuple[Decision, ...] = ("pass", "investigate", "fail")


@dataclass(frozen=True, slots=True)
class Reason:
    """One check: its name, its outcome, and why."""

    check: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Forced:
    """Who let a model pass that the gate did not, why, when (UTC), and in place of which decision."""

    by: str
    why: str
    at: str
    instead_of: Decision


@dataclass(frozen=True, slots=True)
class Verdict:
    """`pass`: deploy. `fail`: do not. `investigate`: do not, before a person has looked; the reasons say at what."""

    decision: Decision
    reasons: tuple[Reason, ...]
    forced: Forced | None = None

    def deciding(self) -> list[str]:
        """The texts of the checks that made the decision; of a pass those that a person wants to read first."""
        decision = self.forced.instead_of if self.forced else self.decision
        made_it = [reason for reason in self.reasons if reason.outcome == decision]
        texts = [reason.text for reason in made_it if decision != "pass" or reason.check in _HEADLINES]
        return [f"forced by {self.forced.by}: {self.forced.why}", *texts] if self.forced else texts

    def to_dict(self) -> dict[str, Any]:
        """For gate.json and --json."""
        return {
            "decision": self.decision,
            "reasons": [dataclasses.asdict(reason) for reason in self.reasons],
            "forced": dataclasses.asdict(self.forced) if self.forced else None,
        }


def sum_up(reasons: Sequence[Reason]) -> Verdict:
    """Fail beats investigate, and investigate beats pass."""
    heaviest = max((_WEIGHT[reason.outcome] for reason in reasons), default=_WEIGHT["fail"])
    return Verdict(_BY_WEIGHT[heaviest], tuple(reasons))
