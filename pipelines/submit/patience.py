"""Asking again while Kubeflow is away: a run is not lost because the API starts anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipelines.submit.errors import KubeflowAway
from sparseinst.log import get_logger

log = get_logger("kubeflow")

T = TypeVar("T")

_FIRST_S, _LONGEST_S = 1.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often we look, and how long we put up with silence. `sleep` and `now` (seconds since 1970) are the clock."""

    poll_s: float = 10.0
    away_s: float = 1800.0  # an upgrade of the cluster takes its time
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


def patiently(call: Callable[[], T], pace: Pace) -> T:
    """What the call gives. While Kubeflow is away it is repeated, after 1 s, 2 s, … 60 s, for `pace.away_s` in all.

    Raises:
        KubeflowAway: It was away all that time.
        ClusterError: The call was refused.
    """
    start, pause = pace.now(), _FIRST_S
    while True:
        try:
            answer = call()
        except KubeflowAway as away:
            wait_s = max(pause, away.after_s)
            if pace.now() - start + wait_s > pace.away_s:
                raise
            log.warning("%s Asking again in %.0f s", away.problem, wait_s)
            pace.sleep(wait_s)
            pause = min(2 * pause, _LONGEST_S)
        else:
            if pause > _FIRST_S:
                log.info("Kubeflow answers again")
            return answer
