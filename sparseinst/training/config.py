"""The training recipe; the defaults are the authors' (Base-SparseInst.yaml of hustvl/SparseInst a899015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "bf16", "fp16"]
Schedule = Literal["step", "cosine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """One training run. `batch_size` counts images per step over all ranks."""

    weights: str = "none"  # where training starts: a path, s3://… or https://…; none: random weights
    iterations: int = 270_000
    batch_size: int = 64
    lr: float = 5e-5  # for the batch size above; another batch size wants another lr
    weight_decay: float = 0.05
    schedule: Schedule = "step"
    lr_steps: tuple[int, ...] = (210_000, 250_000)  # iterations at which a step schedule divides the lr by 10
    warmup_iterations: int = 1000
    warmup_factor: float = 0.001
    clip_gradient_norm: float = 0.0  # 0: no clipping, as published
    precision: Precision = "fp32"
    channels_last: bool = False  # the memory layout that half-precision convolutions are quickest with
    ema_decay: float = 0.0  # 0: off; else the weights that are kept are an exponential moving average
    checkpoint_every: int = 5000
    cpu_ranks: int = 1  # training processes where there is no GPU
    log_every: int = 20
    max_minutes: float = 0.0  # 0: no limit; else the schedule is squeezed to end in time
    seed: int = 0

    class_weight: float = 2.0
    mask_weight: float = 5.0
    dice_weight: float = 2.0
    objectness_weight: float = 1.0
    matcher_alpha: float = 0.8  # exponent of the dice score in the matcher; the class probability has matcher_beta
    matcher_beta: float = 0.2
