"""What a run knows of itself beside its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["running", "finished", "stopped", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSummary:
    """Plain values for the page.

    Attributes:
        title: The configuration's name.
        state: "stopped" where the same command goes on, "failed" where something has to be mended first.
        iteration, iterations: Done, and in all.
        ended: Why it ended before its last iteration; empty where it did not.
        facts: What and its value, in the order of the page: device, ranks, batch, data.
        best_ap, best_iteration: Of the best evaluation; None where there was none.
        notes: What was warned of at the start.
        settings: Section to name to value.
        pictures: Caption and JPEG of truth beside prediction.
    """

    title: str
    state: State = "running"
    iteration: int = 0
    iterations: int = 0
    ended: str = ""
    facts: Sequence[tuple[str, str]] = ()
    best_ap: float | None = None
    best_iteration: int | None = None
    notes: Sequence[str] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: Sequence[tuple[str, bytes]] = ()
