"""The metrics that may be asked for: metrics.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Metric:
    """One name as Prometheus stores it.

    Attributes:
        exporter: Who exports it: a key of metrics.yaml.
        kind: "counter" or "gauge"; the parts of a summary are counters and a gauge.
        labels: Those that the exporter gives, and those of the target.
    """

    name: str
    exporter: str
    kind: str
    labels: frozenset[str]


def read_catalogue() -> Mapping[str, Metric]:
    """Every metric by its name."""
    written = yaml.safe_load((HERE / "metrics.yaml").read_text(encoding="utf-8"))
    targets = frozenset(written.pop("target_labels"))
    found = {}
    for exporter, group in written.items():
        for name, entry in group["metrics"].items():
            labels = targets | frozenset(entry["labels"])
            if entry["kind"] == "summary":
                found[name] = Metric(name, exporter, "gauge", labels | {"quantile"})
                for part in (f"{name}_count", f"{name}_sum"):
                    found[part] = Metric(part, exporter, "counter", labels)
            else:
                found[name] = Metric(name, exporter, entry["kind"], labels)
    return found
