"""What one step asks of the cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sparseinst.errors import ConfigError

# Kubernetes' quantities as far as one needs them here: "500m", "2", "1.5"; "512Mi", "16Gi".
_CPU = re.compile(r"\d+(\.\d+)?|\d+m")
_MEMORY = re.compile(r"\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?")
_BYTES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@dataclass(frozen=True, kw_only=True, slots=True)
class Toleration:
    """A taint that the step's pod puts up with, as Kubernetes writes it."""

    key: str
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str = ""
    effect: Literal["", "NoSchedule", "NoExecute", "PreferNoSchedule"] = ""

    def manifest(self) -> dict[str, str]:
        """The toleration in a pod's specification."""
        written = {"key": self.key, "operator": self.operator, "value": self.value, "effect": self.effect}
        return {name: text for name, text in written.items() if text}


@dataclass(frozen=True, kw_only=True, slots=True)
class StepNeeds:
    """One pod of a step, or of each of its nodes. Sizes are Kubernetes' quantities, as texts.

    Raises:
        ConfigError: A value that cannot be meant.
    """

    cpu: str = "1"  # asked for; there is no limit, which would only throttle a node's idle cores
    memory: str = "4Gi"  # asked for, and the limit
    gpus: int = 0
    accelerator: str = "nvidia.com/gpu"  # the resource's name; a MIG slice has another
    nodes: int = 1  # more than one: training is a TrainJob, and all of this is each node's
    shm: str = ""  # /dev/shm, for processes that load data; "" is a pod's usual 64 MB. It counts as memory
    scratch: str = ""  # room on the node's disk, mounted at /scratch, for runs whose folder is in S3
    retries: int = 0  # a training goes on from its last saved state
    backoff_s: int = 60  # before the first retry; each waits longer than the one before
    timeout_minutes: int = 0  # of one attempt; 0 is without end
    expected_minutes: float = 1.0  # for the estimate of --dry-run
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(_CPU.fullmatch(self.cpu)), "cpu", self.cpu, "a number of CPUs: '2', '500m'")
        for name in ("memory", "shm", "scratch"):
            text = getattr(self, name)
            needed = name == "memory"
            _require(bool(_MEMORY.fullmatch(text)) or not (text or needed), name, text, "a size: '512Mi', '16Gi'")
        for name in ("gpus", "retries", "backoff_s", "timeout_minutes", "expected_minutes"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        _require(self.nodes >= 1, "nodes", self.nodes, "1 or more")
        _require(
            not self.shm or size_in_bytes(self.shm) < size_in_bytes(self.memory),
            "shm",
            self.shm,
            f"less than the memory ({self.memory}): what lies in /dev/shm counts as memory",
        )

    @property
    def cpus(self) -> float:
        """CPUs of one pod."""
        return float(self.cpu[:-1]) / 1000 if self.cpu.endswith("m") else float(self.cpu)

    @property
    def memory_gib(self) -> float:
        """Memory of one pod, GiB."""
        return size_in_bytes(self.memory) / 2**30

    def manifest_tolerations(self) -> list[dict[str, str]]:
        """Its tolerations in a pod's specification."""
        return [each.manifest() for each in self.tolerations]


def size_in_bytes(quantity: str) -> float:
    """How many bytes a quantity means: 17179869184.0 for "16Gi"."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * _BYTES[unit]


def _require(good: bool, name: str, value: Any, meant: str) -> None:
    if not good:
        raise ConfigError(f"'{value}' cannot be meant.", where=name, fix=f"Give {meant}.")
