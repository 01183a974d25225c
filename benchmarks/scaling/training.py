"""What training asks of GPUs, networks, CPUs and disks, by calculation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.scaling.inputs import Inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRow:
    """So many GPUs, each with as many images as now; the batch and the learning rate grow with them.

    Attributes:
        gpus: In all.
        nodes: Of `gpus_a_node`.
        batch_size: Images of a step.
        iterations: For as many epochs as published.
        exchange_ms: Of a step's gradients, inside a node and between nodes, if nothing else went on meanwhile.
        step_ms: Computing alone.
        efficiency: The share of the step that computes, were the exchange not hidden behind the backward pass at all.
        hours: Of the run, at that efficiency.
        usd: Of all GPUs for so long.
        images_s: Of all GPUs.
        cores: That the loaders keep busy, on each node.
        read_mb_s: Image files read by all nodes, 10^6 bytes a second.
    """

    gpus: int
    nodes: int
    batch_size: int
    iterations: int
    exchange_ms: float
    step_ms: float
    efficiency: float
    hours: float
    usd: float
    images_s: float
    cores: float
    read_mb_s: float


def exchange_ms(gradient_bytes: int, gpus: int, nodes: int, *, nvlink_gb: float, node_gb: float) -> float:
    """An all-reduce in rings, first inside each node and then between the nodes.

    A ring of n moves 2 (n - 1) / n times the bytes through each of its members (Patarasuk and Yuan, 2009).
    """
    inside, between = gpus // nodes, nodes
    seconds = 2 * (inside - 1) / inside * gradient_bytes / (nvlink_gb * 1e9)
    seconds += 2 * (between - 1) / between * gradient_bytes / (node_gb * 1e9)
    return 1000 * seconds


def training_rows(inputs: Inputs) -> list[TrainingRow]:
    """A row for each number of GPUs in the inputs."""
    return [_row(inputs, gpus) for gpus in inputs.training.gpu_counts]


def _row(inputs: Inputs, gpus: int) -> TrainingRow:
    told = inputs.training
    nodes = math.ceil(gpus / told.gpus_a_node)
    batch_size = gpus * told.images_a_gpu
    iterations = round(told.iterations * told.batch_size / batch_size)
    exchange = exchange_ms(
        inputs.model.bytes, gpus, nodes, nvlink_gb=told.nvlink_gb, node_gb=told.usable * told.node_gbit / 8
    )
    step_s = told.step_s + exchange / 1000
    images_s = batch_size / step_s
    hours = iterations * step_s / 3600
    return TrainingRow(
        gpus=gpus,
        nodes=nodes,
        batch_size=batch_size,
        iterations=iterations,
        exchange_ms=exchange,
        step_ms=1000 * told.step_s,
        efficiency=told.step_s / step_s,
        hours=hours,
        usd=hours * gpus * told.usd_gpu_hour,
        images_s=images_s,
        cores=images_s / nodes * told.loader_ms / 1000,
        read_mb_s=images_s * told.image_bytes / 1e6,
    )


def network_needed_gbit(inputs: Inputs, nodes: int, share: float) -> float:
    """What a node's network must have so that the exchange between nodes takes at most `share` of computing."""
    told = inputs.training
    moved = 2 * (nodes - 1) / nodes * inputs.model.bytes
    return 8 * moved / (share * told.step_s) / 1e9 / told.usable


def saving_interval(inputs: Inputs) -> tuple[int, float, int]:
    """Bytes of a saved state, seconds to write one, and after how many steps one is best saved.

    Young's formula: the root of twice the time of a write times the time between two stops. Writing goes on beside
    training here, so this is the shortest interval that makes sense, not one that must be kept.
    """
    size = inputs.saving.state_copies * inputs.model.bytes
    write_s = size / (inputs.saving.write_mb * 1e6)
    seconds = math.sqrt(2 * write_s * inputs.saving.hours_between_stops * 3600)
    return size, write_s, round(seconds / inputs.training.step_s)
