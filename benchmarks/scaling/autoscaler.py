"""What Kubernetes' autoscaler decides, with the settings of deploy/components/replicas.

Source:
    kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale, "Algorithm details" and "Scaling behavior". How
    pods without numbers count, and from what a policy counts: kubernetes/kubernetes, pkg/controller/podautoscaler/
    replica_calculator.go (00067268) and horizontal.go, whose later versions also count what was taken away.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.scaling.counters import METRICS, Rates

MANIFEST = Path(__file__).parents[2] / "deploy" / "components" / "replicas" / "autoscaler.yaml"
PERIOD_S = 15  # between two looks

_TOLERANCE = 0.1  # a smaller change is none
_START_S = 90  # until a new replica serves


@dataclass(frozen=True, kw_only=True, slots=True)
class Autoscaler:
    """The settings that matter here; times in seconds, and the target of each metric by its name."""

    least: int
    most: int
    targets: Mapping[str, float]
    up_pods: int
    up_period_s: int
    up_window_s: int
    down_pods: int
    down_period_s: int
    down_window_s: int


def read_autoscaler(path: Path = MANIFEST) -> Autoscaler:
    """The manifest's."""
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
    pods = [each["pods"] for each in spec["metrics"]]
    return Autoscaler(
        least=spec["minReplicas"],
        most=spec["maxReplicas"],
        targets={each["metric"]["name"]: _number(each["target"]["averageValue"]) for each in pods},
        **_policy("up", spec["behavior"]["scaleUp"]),
        **_policy("down", spec["behavior"]["scaleDown"]),
    )


class Fleet:
    """The replicas, and what the autoscaler remembers of them. Times are seconds from the beginning."""

    def __init__(self, scaler: Autoscaler) -> None:
        self.replicas = scaler.least
        self.changed: list[tuple[float, int]] = []  # when, and by how many
        self._scaler = scaler
        self._wished: deque[tuple[float, int]] = deque()

    def serving(self, now: float) -> int:
        """Those that have started."""
        return self.replicas - self._added_since(now - _START_S)

    def look(self, now: float, counted: Sequence[Rates]) -> None:
        """What it does at one of its looks, where the replicas that serve have counted this within the last minute."""
        scaler = self._scaler
        self._wished.append((now, self._wanted(counted)))
        while self._wished[0][0] < now - max(scaler.up_window_s, scaler.down_window_s):
            self._wished.popleft()
        up = min(wanted for when, wanted in self._wished if when >= now - scaler.up_window_s)
        down = max(wanted for when, wanted in self._wished if when >= now - scaler.down_window_s)
        new = self.replicas
        if up > self.replicas:
            before = self.replicas - self._net_since(now - scaler.up_period_s)
            new = max(self.replicas, min(up, before + scaler.up_pods, scaler.most))
        elif down < self.replicas:
            before = self.replicas - self._net_since(now - scaler.down_period_s)
            new = min(self.replicas, max(down, before - scaler.down_pods, scaler.least))
        if new != self.replicas:
            self.changed.append((now, new - self.replicas))
            self.replicas = new

    def _wanted(self, counted: Sequence[Rates]) -> int:
        """The largest of what the metrics ask for."""
        averages = {name: sum(map(METRICS[name], counted)) / len(counted) for name in self._scaler.targets}
        return max(
            self._asked_by(averages[name] / target, len(counted)) for name, target in self._scaler.targets.items()
        )

    def _asked_by(self, ratio: float, serving: int) -> int:
        """What a metric asks for whose average over those that serve is `ratio` times its target.

        Those that start count as idle where more are wanted, and as loaded as they should be where fewer are.
        """
        starting = self.replicas - serving
        all_alike = (ratio * serving + (starting if ratio < 1 else 0)) / self.replicas
        if abs(all_alike - 1) <= _TOLERANCE or (all_alike - 1) * (ratio - 1) < 0:
            return self.replicas
        return math.ceil(all_alike * self.replicas)

    def _added_since(self, when: float) -> int:
        return sum(change for at, change in self.changed if at > when and change > 0)

    def _net_since(self, when: float) -> int:
        return sum(change for at, change in self.changed if at > when)


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
