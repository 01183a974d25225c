"""What a run found out, as the few facts that one asks for first; only what its steps told."""

from __future__ import annotations

import math
from typing import Any

from sparseinst.finish.story import RunStory

_PLACES = ("location", "report", "checkpoint", "repository")


def number(value: Any) -> float | None:
    """A finite number, or None: JSON for others has no NaN."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None


def aps(story: RunStory) -> dict[str, float | None]:
    """AP and AP50 of the masks, 0 to 1; None where they are undefined, and none where nothing was evaluated."""
    facts = story.facts("evaluate")
    return {name: number(facts[name]) for name in ("AP", "AP50") if name in facts}


def gate(story: RunStory) -> dict[str, Any]:
    """The decision and its reasons."""
    facts = story.facts("gate")
    reasons = facts.get("reasons")
    told = [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    return {"decision": str(facts["decision"]), "reasons": told} if "decision" in facts else {}


def served(story: RunStory) -> dict[str, Any]:
    """The model's name, its version and the server's address, where something was deployed."""
    facts = story.facts("deploy")
    return {name: facts[name] for name in ("name", "version", "url") if name in facts}


def places(story: RunStory) -> dict[str, str]:
    """Where the steps left what one may want to see."""
    return {
        f"{step.name}: {what}": str(step.facts[what]) for step in story.steps for what in _PLACES if what in step.facts
    }
