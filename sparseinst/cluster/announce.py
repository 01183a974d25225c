"""What a waiting step tells about its job: changes, once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparseinst.cluster.standing import condition, event_line, node_zero, phase, waiting_reasons
from sparseinst.log import get_logger

log = get_logger("train_job")


class Announcer:
    """Compares what it is shown with what it said last."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self._standing = ""
        self._pod_zero = ""
        self._events: set[str] = set()

    def job(self, job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> None:
        """The state of the nodes, and why those that wait do."""
        running = sum(phase(pod) == "Running" for pod in pods)
        suspended = condition(job, "Suspended")
        lines = [f"suspended: {suspended.message}"] if suspended else [f"{running} of {self._nodes} nodes run"]
        standing = "; ".join([*lines, *waiting_reasons(pods)])
        if standing != self._standing:
            log.info("%s", standing)
            self._standing = standing
        zero = node_zero(pods)
        name = zero["metadata"]["name"] if zero else self._pod_zero
        if self._pod_zero and name != self._pod_zero:
            log.info("the nodes were started anew: training goes on from its last saved state")
        self._pod_zero = name

    def events(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Warnings that were not told yet; the scheduler repeats its own with other counts."""
        for event in events:
            line = event_line(event)
            if line not in self._events and str(event.get("message", "")) not in self._standing:
                log.warning("%s", line)
            self._events.add(line)
