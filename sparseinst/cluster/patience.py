"""Asking again, for some minutes, while the Kubernetes API is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kubernetes.client.exceptions import ApiException

from sparseinst.cluster.refusal import is_away, message_of, refusal
from sparseinst.cluster.stop import StopSignal
from sparseinst.errors import TrainingError
from sparseinst.log import get_logger

log = get_logger("train_job")

T = TypeVar("T")


class ClusterUnreachable(TrainingError):
    """The API was away for too long. What it was asked for may still be there, and still run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How a call is repeated: after `first_s`, then twice as long, up to `longest_s`; in all for `limit_s`."""

    stop: StopSignal
    namespace: str
    limit_s: float = 300.0  # an upgrade of a control plane without replicas takes minutes
    first_s: float = 1.0
    longest_s: float = 15.0

    def __call__(self, call: Callable[[], T], doing: str) -> T:
        """What the call gives.

        Raises:
            ClusterUnreachable: Nobody answered for `limit_s`.
            StopRequested: A signal came while waiting.
            TrainingError: The API refused; asking again would not help.
        """
        start, pause = time.monotonic(), self.first_s
        while True:
            try:
                found = call()
            except Exception as error:
                if not is_away(error):
                    if isinstance(error, ApiException):
                        raise refusal(error, doing, self.namespace) from error
                    raise
                gone_s = time.monotonic() - start
                if gone_s >= self.limit_s:
                    raise self._unreachable(error, doing, gone_s) from error
                if pause == self.first_s:
                    log.warning("the Kubernetes API is away (%s); asking again", message_of(error)[:200])
                self.stop.sleep(min(pause, max(self.limit_s - gone_s, 0.0)))
                pause = min(2 * pause, self.longest_s)
            else:
                if pause != self.first_s:
                    log.info("the Kubernetes API answers again after %.0f s", time.monotonic() - start)
                return found

    def _unreachable(self, error: Exception, doing: str, gone_s: float) -> ClusterUnreachable:
        return ClusterUnreachable(
            f"The Kubernetes API has been away for {gone_s:.0f} s: {message_of(error)[:300]}",
            where=f"namespace {self.namespace}, to {doing}",
            fix="Nothing was deleted: a job that was made goes on. Retry the step; it finds its job again.",
        )
