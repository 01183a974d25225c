"""Makes the plan of a run."""

from __future__ import annotations

from dataclasses import replace

from sparseinst.config import RunConfig
from sparseinst.training.plan.checks import Check, check_settings
from sparseinst.training.plan.largest import LESS_MEMORY, fits, largest_fitting, too_large
from sparseinst.training.plan.memory import USABLE, Situation, estimate_memory
from sparseinst.training.plan.plan import GpuPlan, Plan
from sparseinst.training.plan.prices import Gpu, Prices
from sparseinst.training.plan.sizes import mean_pixels
from sparseinst.training.plan.speed import seconds_per_step


def plan_training(
    config: RunConfig,
    *,
    images: int | None,
    num_classes: int,
    largest_objects: int | None,
    gpus: int,
    nodes: int = 1,
    prices: Prices,
    gpu: str | None = None,
    mixed_orientations: bool = True,
) -> Plan:
    """What a run would need and cost. Takes some seconds, and computes nothing.

    Args:
        config: The run's, resolved.
        images: Of the training split that show an object; None where unknown.
        num_classes: Of the data.
        largest_objects: In one image; None where unknown.
        gpus: On each node.
        nodes: Machines.
        prices: The table of GPUs.
        gpu: One of the table, for which the plan is made; None: for any.
        mixed_orientations: Whether some images of the data lie and others stand.

    Raises:
        ConfigError: `gpu` is not in the table.
    """
    if config.train.precision == "auto":
        config = replace(config, train=replace(config.train, precision="bf16"))  # as a GPU that has units for it does
    name = prices.gpu(gpu).name if gpu else None
    ranks, train = gpus * nodes, config.train
    situation = Situation(
        config=config,
        num_classes=num_classes,
        largest_objects=largest_objects,
        ranks=ranks,
        mixed_orientations=mixed_orientations,
    )
    share = max(1, train.batch_size // ranks)
    table = tuple(_on(each, situation, share) for each in prices.gpus)
    chosen = next((row for row in table if row.name == name), None)
    micro_batch = train.micro_batch or (chosen.micro_batch if chosen else 0) or (1 if chosen else share)
    checks = [*check_settings(config, ranks=ranks, largest_objects=largest_objects), *_fit(table, chosen)]
    return Plan(
        model=config.model.name,
        iterations=train.iterations,
        batch_size=train.batch_size,
        images=images,
        epochs=train.iterations * train.batch_size / images if images else None,
        gpus=gpus,
        nodes=nodes,
        ranks=ranks,
        share=share,
        micro_batch=micro_batch,
        accumulation=-(-share // micro_batch),
        height=situation.size[0],
        width=situation.size[1],
        objects=situation.objects,
        precision=train.precision,
        memory=estimate_memory(situation, micro_batch),
        flops_per_step=train.batch_size * _scale(situation) * situation.network().flops.per_image,
        table=table,
        gpu=name,
        checks=tuple(checks),
        assumptions=_assumptions(situation, prices),
    )


def _on(gpu: Gpu, situation: Situation, share: int) -> GpuPlan:
    """The run on one kind of GPU."""
    train = situation.config.train
    largest = largest_fitting(situation, gpu.memory_bytes, share)
    wanted = train.micro_batch or largest
    memory = estimate_memory(situation, wanted or 1)
    does_fit = bool(wanted) and fits(memory, gpu.memory_bytes)
    precision, _ = gpu.computes_in(train.precision)
    problem, fix = "", ""
    if not precision:
        problem = f"{gpu.name} has no units for {train.precision}."
        fix = "train.precision=fp16" if gpu.fp16_tflops else "train.precision=fp32"
    elif not largest:
        problem, fix = f"{gpu.name}: {too_large(situation, memory, gpu.memory_bytes)}", LESS_MEMORY
    elif not does_fit:
        problem = (
            f"{gpu.name}: {wanted} images at a time need about {memory.total / 1e9:.1f} GB; "
            f"{USABLE * gpu.memory_gb:.1f} GB can be used (90 % of {gpu.memory_gb:g} GB)."
        )
        fix = f"train.micro_batch={largest}, or 0 to let the memory decide; the step stays as large."
    parts = -(-share // wanted) if wanted else 0
    seconds = None if problem else _seconds(gpu, situation, wanted, parts)
    hours = None if seconds is None else seconds * train.iterations / 3600
    return GpuPlan(
        name=gpu.name,
        memory_bytes=round(gpu.memory_bytes),
        fits=does_fit,
        largest_micro_batch=largest,
        micro_batch=0 if problem else wanted,
        accumulation=0 if problem else parts,
        precision=precision,
        seconds_per_step=seconds,
        hours=hours,
        usd=None if hours is None else hours * situation.ranks * gpu.usd_per_hour,
        problem=problem,
        fix=fix,
    )


def _seconds(gpu: Gpu, situation: Situation, micro_batch: int, parts: int) -> float:
    precision = situation.config.train.precision
    network, scale = situation.network(), _scale(situation)
    return seconds_per_step(gpu, network, precision, micro_batch=micro_batch, parts=parts, scale=scale)


def _scale(situation: Situation) -> float:
    """Pixels of a mean image over those of the largest."""
    height, width = situation.size
    return min(1.0, mean_pixels(situation.config.input, images=situation.config.train.batch_size) / (height * width))


def _fit(table: tuple[GpuPlan, ...], chosen: GpuPlan | None) -> list[Check]:
    """Why it cannot be on the GPU that was asked for, or on none."""
    if chosen:
        return [Check("refusal", chosen.problem, chosen.fix)] if chosen.problem else []
    if any(not row.problem for row in table):
        return []
    largest = max(table, key=lambda row: row.memory_bytes)
    return [Check("refusal", f"No GPU of the table can do it. {largest.problem}", largest.fix)]


def _assumptions(situation: Situation, prices: Prices) -> tuple[str, ...]:
    height, width = situation.size
    whose = "examples, --prices FILE takes yours" if prices.are_examples else prices.where
    return (
        f"Memory: all images {height} x {width} with {situation.objects} objects each, the most there can be.",
        "Time: about, within a factor of two: scaled from SparseInst's published steps (0.869 s in fp32, 0.695 s in "
        "fp16, taken as 8 RTX 3090), where images come as fast. A measured step replaces it.",
        f"Prices: on demand{f', {prices.date}' if prices.date else ''} ({whose}).",
    )
