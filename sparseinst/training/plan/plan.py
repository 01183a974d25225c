"""The plan of a run, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sparseinst.errors import ConfigError
from sparseinst.settings import suggest
from sparseinst.training.plan.checks import Check
from sparseinst.training.plan.memory import Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuPlan:
    """The run on one kind of GPU.

    Attributes:
        name: As in the table.
        memory_bytes: Of one GPU.
        fits: Whether the micro-batch fits into 90 % of that.
        largest_micro_batch: The most images of a rank that fit at a time, a divisor of its share; 0: not even one.
        micro_batch: What the run would use, `train.micro_batch` or the largest; 0 where it cannot run.
        accumulation: Parts of a rank's share.
        precision: What convolutions compute in: "fp32", "tf32", "bf16" or "fp16"; empty: it has no units for it.
        seconds_per_step: About; None where it cannot run, as what follows.
        hours: Of the whole run, about.
        usd: Of all GPUs for so long.
        problem: Why it cannot run; empty where it can.
        fix: What to do then.
    """

    name: str
    memory_bytes: int
    fits: bool
    largest_micro_batch: int
    micro_batch: int
    accumulation: int
    precision: str
    seconds_per_step: float | None
    hours: float | None
    usd: float | None
    problem: str = ""
    fix: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A run before it is started.

    Attributes:
        model: The configuration's name.
        iterations: Steps.
        batch_size: Images of a step, on all ranks.
        images: Of the training split; None where unknown.
        epochs: How often each image is seen; None where the images are unknown.
        gpus: On each node.
        nodes: Machines.
        ranks: GPUs altogether.
        share: Images of a rank in a step.
        micro_batch: Images that a rank computes at a time, in the memory given here: the setting; where that is 0, the
            most that fit the GPU that was asked for, or without one the whole share.
        accumulation: Parts of the share.
        height: Of the largest padded images, in pixels.
        width: As well.
        objects: In each image, as the memory is estimated.
        precision: The setting.
        memory: Of a rank.
        flops_per_step: Floating-point operations of all ranks, for images of the mean size.
        table: The GPUs.
        gpu: The one that was asked for, if any.
        checks: What cannot be, and what to know.
        assumptions: What the numbers rest on, in sentences.
    """

    model: str
    iterations: int
    batch_size: int
    images: int | None
    epochs: float | None
    gpus: int
    nodes: int
    ranks: int
    share: int
    micro_batch: int
    accumulation: int
    height: int
    width: int
    objects: int
    precision: str
    memory: Memory
    flops_per_step: float
    table: tuple[GpuPlan, ...]
    gpu: str | None
    checks: tuple[Check, ...]
    assumptions: tuple[str, ...]

    @property
    def refusals(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.kind == "refusal")

    def row(self, gpu: str) -> GpuPlan:
        """The run on a GPU of the table.

        Raises:
            ConfigError: It is not in the table.
        """
        found = next((row for row in self.table if row.name.lower() == gpu.lower()), None)
        if found is None:
            names = [row.name for row in self.table]
            raise ConfigError(f"There is no GPU '{gpu}' in the plan.", where="--gpu", fix=suggest(gpu, names))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, sums included."""
        values: dict[str, Any] = _plain(asdict(self))
        values["memory"]["total"] = self.memory.total
        return values


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def require_fit(plan: Plan, gpu: str) -> None:
    """Raises a ConfigError where the run cannot be on this GPU, with everything that is in the way.

    Raises:
        ConfigError: It does not fit, the GPU lacks the precision, it is not in the table, or the plan is refused.
    """
    row = plan.row(gpu)
    reasons = [(row.problem, row.fix)] if row.problem else []
    reasons += [(check.problem, check.fix) for check in plan.refusals if check.problem != row.problem]
    if not reasons:
        return
    (problem, fix), *others = reasons
    raise ConfigError(
        problem, where=f"{plan.model} on {row.name}", fix=fix, details=[f"{other} {way}" for other, way in others]
    )
