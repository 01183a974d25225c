"""What Kubernetes' autoscaler makes of a steady load, with the settings of deploy/components/replicas.

It multiplies the number of replicas by metric / target. That is right for a metric which is proportional to the load of
a replica. The wait of requests is not: next to nothing for long, and then without end.

Source:
    kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale, "Algorithm details" and "Scaling behavior".
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.scaling.queueing import mean_wait

MANIFEST = Path(__file__).parents[2] / "deploy" / "components" / "replicas" / "autoscaler.yaml"

_PERIOD_S = 15  # between two looks
_TOLERANCE = 0.1  # a smaller change is none
_START_S = 90  # until a new replica serves
_METRIC_S = 60  # over which the metric is an average
_LONGEST_WAIT_S = 2.0  # the GPU configuration's queue refuses what waits longer


@dataclass(frozen=True, kw_only=True, slots=True)
class Autoscaler:
    """The settings that matter here; times in seconds. `busy_target` of 0: only the wait is looked at."""

    least: int
    most: int
    wait_target_s: float
    up_pods: int
    up_period_s: int
    up_window_s: int
    down_pods: int
    down_period_s: int
    down_window_s: int
    busy_target: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What happened: the fewest and the most replicas, and the share of time with more than twice the target."""

    fewest: int
    most: int
    changes_an_hour: float
    late_share: float


def read_autoscaler(path: Path = MANIFEST) -> Autoscaler:
    """The manifest's settings for the wait."""
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
    metrics = {
        each["pods"]["metric"]["name"]: each["pods"]["target"]["averageValue"]
        for each in spec["metrics"]
        if "pods" in each
    }
    up, down = spec["behavior"]["scaleUp"], spec["behavior"]["scaleDown"]
    return Autoscaler(
        least=spec["minReplicas"],
        most=spec["maxReplicas"],
        wait_target_s=_number(metrics["sparseinst_queue_seconds"]),
        **_policy("up", up),
        **_policy("down", down),
    )


def follow(scaler: Autoscaler, load: float, compute_s: float, spread: float, *, hours: float = 12) -> Course:
    """Follows a load that does not change, and tells of the second half.

    Args:
        scaler: The settings.
        load: What comes, in replicas that it would keep busy all the time.
        compute_s: Of one request; a replica computes one at a time.
        spread: cv² of the computing times.
        hours: For so long.
    """
    fleet = _Fleet(scaler)
    waits: deque[float] = deque(maxlen=_METRIC_S // _PERIOD_S)
    seen, late = [], 0
    half_s = hours * 1800
    for now in range(0, round(2 * half_s), _PERIOD_S):
        busy = load / fleet.serving(now)
        wait_s = _LONGEST_WAIT_S if busy >= 1 else min(_LONGEST_WAIT_S, compute_s * mean_wait(1, busy, spread))
        waits.append(wait_s)
        fleet.look(now, sum(waits) / len(waits), min(busy, 1.0))
        if now >= half_s:
            seen.append(fleet.replicas)
            late += wait_s > 2 * scaler.wait_target_s
    return Course(
        fewest=min(seen),
        most=max(seen),
        changes_an_hour=sum(when >= half_s for when, _ in fleet.changed) / (hours / 2),
        late_share=late / len(seen),
    )


class _Fleet:
    """The replicas, and what the autoscaler remembers of them. Times are seconds from the beginning."""

    def __init__(self, scaler: Autoscaler) -> None:
        self.replicas = scaler.least
        self.changed: list[tuple[float, int]] = []  # when, and by how many
        self._scaler = scaler
        self._wished: deque[tuple[float, int]] = deque()

    def serving(self, now: float) -> int:
        """Those that have started."""
        return self.replicas - self._changed_since(now - _START_S, 1)

    def look(self, now: float, wait_s: float, busy: float) -> None:
        """What it does at each of its looks."""
        scaler = self._scaler
        self._wished.append((now, self._wanted(wait_s, busy)))
        while self._wished[0][0] < now - max(scaler.up_window_s, scaler.down_window_s):
            self._wished.popleft()
        up = min(wanted for when, wanted in self._wished if when >= now - scaler.up_window_s)
        down = max(wanted for when, wanted in self._wished if when >= now - scaler.down_window_s)
        new = self.replicas
        if up > self.replicas:
            before = self.replicas - self._changed_since(now - scaler.up_period_s, 1)
            new = max(self.replicas, min(up, before + scaler.up_pods, scaler.most))
        elif down < self.replicas:
            before = self.replicas - self._changed_since(now - scaler.down_period_s, -1)
            new = min(self.replicas, max(down, before - scaler.down_pods, scaler.least))
        if new != self.replicas:
            self.changed.append((now, new - self.replicas))
            self.replicas = new

    def _wanted(self, wait_s: float, busy: float) -> int:
        """The larger of what each metric asks for."""
        ratios = [wait_s / self._scaler.wait_target_s]
        if self._scaler.busy_target:
            ratios.append(busy / self._scaler.busy_target)
        replicas = self.replicas
        return max(replicas if abs(ratio - 1) <= _TOLERANCE else math.ceil(replicas * ratio) for ratio in ratios)

    def _changed_since(self, when: float, sign: int) -> int:
        """Replicas that were added (or removed, for a sign of -1) since then."""
        return sum(change for at, change in self.changed if at > when and change * sign > 0)


def _policy(direction: str, behavior: dict[str, Any]) -> dict[str, int]:
    (policy,) = behavior["policies"]
    return {
        f"{direction}_pods": policy["value"],
        f"{direction}_period_s": policy["periodSeconds"],
        f"{direction}_window_s": behavior["stabilizationWindowSeconds"],
    }


def _number(quantity: str) -> float:
    text = str(quantity)
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
