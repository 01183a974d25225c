"""Lets a model pass that the gate did not: never without a name and a reason."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from sparseinst.errors import ConfigError
from sparseinst.evaluation.gate.verdict import Forced, Verdict
from sparseinst.log import get_logger

log = get_logger("gate")


def check_force(by: str, why: str) -> None:
    """Refuses to force without both, before anything is measured.

    Raises:
        ConfigError: One is empty.
    """
    missing = [name for name, value in (("who forces it", by), ("why", why)) if not value.strip()]
    if missing:
        raise ConfigError(
            f"A pass cannot be forced without saying {' and '.join(missing)}.",
            where="gate",
            fix="Give both: --force --by NAME --why TEXT; in the pipeline force_by and force_why.",
        )


def force(verdict: Verdict, *, by: str, why: str, at: datetime | None = None) -> Verdict:
    """The verdict with a pass in place of its decision, and who, why and when; one that passes stays as it is.

    Raises:
        ConfigError: `by` or `why` is empty.
    """
    check_force(by, why)
    if verdict.decision == "pass":
        log.info("the candidate passes by itself: nothing is forced")
        return verdict
    moment = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    forced = Forced(by=by.strip(), why=why.strip(), at=moment, instead_of=verdict.decision)
    log.warning("%s was FORCED to pass by %s: %s", verdict.decision, forced.by, forced.why)
    return dataclasses.replace(verdict, decision="pass", forced=forced)
