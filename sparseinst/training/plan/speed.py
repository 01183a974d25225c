"""How long a step takes, about.

A step's operations at the GPU's peak, plus the bytes it moves at the memory's bandwidth, is what it would take at best.
Real steps take a multiple of that. How large a multiple is taken from the one training speed that the authors publish:
ResNet-50 G-IAM on RTX 3090s, 0.869 s in fp32 and 0.695 s in fp16 for a step (hustvl/SparseInst, README at fd6fb38). The
README does not say on how many GPUs; its recipe has 64 images on 8, which is assumed here.
"""

from __future__ import annotations

from sparseinst.training.config import Precision
from sparseinst.training.plan.network_cost import NetworkCost
from sparseinst.training.plan.prices import Gpu

PUBLISHED_SECONDS = {"fp32": 0.869, "fp16": 0.695}  # of 8 images a GPU, RTX 3090

# The best time over the published one; `tests/training/plan/test_speed.py` holds them to it. They contain all that
# training does beside the network's operations: loading, matching, exchanging gradients, the update.
_EFFICIENCY: dict[Precision, float] = {"fp32": 0.25, "bf16": 0.16, "fp16": 0.16}


def seconds_per_step(
    gpu: Gpu, network: NetworkCost, precision: Precision, *, micro_batch: int, parts: int, scale: float
) -> float:
    """Seconds of one step.

    Args:
        gpu: That computes.
        network: What the network costs for images of the largest size.
        precision: The setting; the GPU has units for it.
        micro_batch: Images at a time.
        parts: So many times in a step.
        scale: Pixels of a mean image over those of the largest.
    """
    _, peak = gpu.computes_in(precision)
    computing = scale * network.flops.at(micro_batch) / (peak * 1e12)
    moving = scale * network.traffic.at(micro_batch) / (gpu.bandwidth_gbs * 1e9)
    return parts * (computing + moving) / _EFFICIENCY[precision]
