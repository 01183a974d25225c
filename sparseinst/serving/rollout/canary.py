"""A share of the live requests to a candidate, watched through the front door's own counters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sparseinst.errors import DeployError
from sparseinst.log import get_logger
from sparseinst.serving.drift.exposition import Series
from sparseinst.serving.drift.scrape import scrape
from sparseinst.serving.rollout.agreement import Agreement
from sparseinst.serving.rollout.conditions import Canary
from sparseinst.serving.rollout.pace import is_too_slow

log = get_logger("deploy")

_REQUESTS, _SECONDS, _AGREEMENT = (f"sparseinst_{name}_total" for name in ("requests", "seconds", "agreement"))
_POLL_S = 0.25
_TELL_S = 10.0  # between two lines of the log, and two looks at the lock

Counters = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Live:
    """What the front door counted while the candidate took its share.

    Attributes:
        answered: Requests that the candidate answered.
        failed: Those that it did not; the clients got the answer of the version in service.
        candidate_ms, incumbent_ms: Means of a request's time in the model; None where none was answered.
        agreement: Of the answers to the same pictures, where the candidate ran in the shadow.
    """

    answered: int
    failed: int
    candidate_ms: float | None
    incumbent_ms: float | None
    agreement: Agreement | None

    def __str__(self) -> str:
        parts = [f"{self.answered} live requests answered, {self.failed} failed"]
        if self.candidate_ms is not None and self.incumbent_ms is not None:
            parts.append(f"{self.candidate_ms:.1f} ms in the model, {self.incumbent_ms:.1f} ms in the one in service")
        return "; ".join([*parts, *([str(self.agreement)] if self.agreement else [])])


def watch(model: str, mark: str, canary: Canary, check_lock: Callable[[], None], *, counted_before: Counters) -> Live:
    """Waits until the candidate has had its requests, its time is over, or it fails.

    Args:
        model: The name of the model in service.
        mark: The candidate's fingerprint, in hexadecimal.
        canary: How long, and how many.
        check_lock: Raises where another rollout has taken over.
        counted_before: What `read` gave before the candidate got its first request.

    Raises:
        DeployError: The lock is lost.
        StackError: The metrics cannot be read.
    """
    end, tell = time.monotonic() + canary.seconds, time.monotonic() + _TELL_S
    while True:
        is_over = time.monotonic() >= end  # before the look: the last one counts all of the time
        live = _live(read(canary), counted_before, model, mark, canary)
        if live.failed or is_over or (canary.requests and live.answered >= canary.requests):
            return live
        if time.monotonic() >= tell:
            check_lock()
            log.info("canary: %d live requests answered", live.answered)
            tell += _TELL_S
        time.sleep(_POLL_S)


def read(canary: Canary) -> Counters:
    """The counters as they stand; they only grow, also when the front door is loaded again.

    Raises:
        StackError: The metrics cannot be read.
    """
    return scrape(canary.metrics_url, (_REQUESTS, _SECONDS, _AGREEMENT))


def judge(live: Live, canary: Canary, max_slowdown: float | None, min_agreement: float | None) -> None:
    """
    Raises:
        DeployError: The candidate failed a request, had too few, was too slow, or disagreed too much.
    """
    where, asked = "--canary", live.answered + live.failed
    if live.failed:
        raise DeployError(
            f"The candidate failed {live.failed} of {asked} live requests; their clients got the answer of the version "
            "in service.",
            where=where,
            fix="See the server's log for the reason.",
        )
    if live.answered < max(canary.requests, 1):
        raise DeployError(
            f"Only {live.answered} live requests came to the candidate within {canary.seconds:g} s; "
            f"{max(canary.requests, 1)} were asked for.",
            where=where,
            fix="Watch longer (--canary-seconds), give it a larger share, or ask for fewer (--canary-requests).",
        )
    new, old = live.candidate_ms, live.incumbent_ms
    if max_slowdown is not None and new is not None and old is not None and is_too_slow(new, old, max_slowdown):
        raise DeployError(
            f"The candidate takes {new:.1f} ms for a live request, {new / old:.1f} times as long as the version in "
            f"service; {max_slowdown:g} times are allowed.",
            where=where,
            fix="Use a smaller model, or allow more with --max-slowdown.",
        )
    if live.agreement is not None:
        live.agreement.require(min_agreement)


def _live(now: Counters, before: Counters, model: str, mark: str, canary: Canary) -> Live:
    def grown(name: str, **labels: str) -> float:
        wanted = {"model": model, **labels}.items()
        return sum(
            value - before.get(series, 0.0)
            for series, value in now.items()
            if series.name == name and wanted <= dict(series.labels).items()
        )

    def mean_ms(arm: str, requests: float) -> float | None:
        return 1000 * grown(_SECONDS, arm=arm, part="model") / requests if requests else None

    arm = "shadow" if canary.shadow else "canary"
    answered = grown(_REQUESTS, arm=arm, outcome="ok", fingerprint=mark)
    agreement = None
    if canary.shadow:
        kinds = {kind: int(grown(_AGREEMENT, kind=kind, fingerprint=mark)) for kind in ("same", "missed", "added")}
        agreement = Agreement(pictures=int(answered), **kinds)
    return Live(
        answered=int(answered),
        failed=int(grown(_REQUESTS, arm=arm, outcome="failed")),
        candidate_ms=mean_ms(arm, answered),
        incumbent_ms=mean_ms("service", grown(_REQUESTS, arm="service", outcome="ok")),
        agreement=agreement,
    )
