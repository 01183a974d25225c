"""What a candidate must fulfil beside its golden images before it is put into service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparseinst.errors import ConfigError
from sparseinst.serving.drift.scrape import check_url

MAX_SLOWDOWN = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """Live requests that the front door gives to the candidate before it is promoted.

    Attributes:
        share: Of the requests, in (0, 1].
        metrics_url: Where Triton counts them, http://host:port/metrics.
        requests: How many the candidate must have answered; 0 leaves it to the time.
        seconds: How long to watch; with `requests`, how long to wait for them.
        shadow: The candidate is asked behind the version in service, which gives all answers.
    """

    share: float
    metrics_url: str
    requests: int = 0
    seconds: float = 600.0
    shadow: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.requests < 0 or not self.seconds > 0:
            raise ConfigError(
                f"A canary takes a share above 0 and at most 1, and a time: not {self.share}, {self.seconds} s.",
                where="--canary",
                fix="For example --canary 0.1 --canary-requests 100.",
            )
        if not self.metrics_url:
            raise ConfigError(
                "A canary is watched through Triton's metrics, and their address is not known.",
                where="--metrics-url",
                fix="Give it: http://HOST:8002/metrics.",
            )
        check_url(self.metrics_url)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """
    Attributes:
        max_latency_ms: For a golden image; None: any.
        max_slowdown: Times as long as the version in service; None: any. On by default, and generous: it is meant
            for accidents (a graph that was not optimised, images of twice the size), not for a model chosen larger.
        shadow: A folder with pictures that both versions are shown; None: none but the golden images.
        min_agreement: The share of the objects of the version in service that the candidate must find; None: any.
        canary: Live requests; None: none.
    """

    max_latency_ms: float | None = None
    max_slowdown: float | None = MAX_SLOWDOWN
    shadow: Path | None = None
    min_agreement: float | None = None
    canary: Canary | None = None

    @property
    def compares(self) -> bool:
        """Whether the answers of both versions are to be held against each other."""
        return self.shadow is not None or self.min_agreement is not None
