"""The training recipe; the defaults are the authors' (Base-SparseInst.yaml of hustvl/SparseInst a899015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sparseinst.errors import ConfigError

Precision = Literal["fp32", "bf16", "fp16", "auto"]
Schedule = Literal["step", "cosine"]
Result = Literal["last", "best"]

NO_WEIGHTS = "none"
BACKBONE_STAGES = 5  # what frozen_stages counts: the stem, then the four stages


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """One training run. `batch_size` counts images per step over all ranks."""

    weights: str = NO_WEIGHTS  # where training starts: a path, s3://… or https://…; none: random weights
    frozen_stages: int = 0  # of the backbone, from the image on: 1 is the stem, 5 all of it (fine-tuning)
    iterations: int = 270_000
    batch_size: int = 64
    micro_batch: int = 0  # images that a rank computes at a time; their gradients add up. 0: as many as memory holds
    lr: float = 5e-5  # for a batch of reference_batch images; scaled linearly for another batch_size
    reference_batch: int = 64
    weight_decay: float = 0.05
    schedule: Schedule = "step"
    lr_steps: tuple[int, ...] = (210_000, 250_000)  # iterations at which a step schedule divides the lr by 10
    warmup_iterations: int = 1000
    warmup_factor: float = 0.001
    clip_gradient_norm: float = 0.0  # 0: no clipping, as published
    precision: Precision = "fp32"  # "auto": bf16 where the GPU or CPU has units for it
    channels_last: bool = False  # the memory layout that half-precision convolutions are quickest with
    compile: bool = False  # torch.compile; the first minutes go into it
    deterministic: bool = False  # only algorithms that give the same bits each time; slower on a GPU
    ema_decay: float = 0.0  # 0: off; else the weights that are kept are an exponential moving average
    eval_every: int = 7330  # iterations between evaluations on the val split; 0: none. Published: 7330
    early_stop: int = 0  # ends after so many evaluations without a better AP; 0: never
    result: Result = "last"  # what checkpoint.pt gets: the last weights, or those with the best AP
    checkpoint_every: int = 5000
    keep_states: int = 2  # how many saved states are kept: a damaged newest one falls back to the one before
    bad_steps: int = 20  # so many steps in a row whose loss is no number end the run
    watchdog_minutes: float = 10.0  # without a step for so long, the stacks are written out and the run ends; 0: never
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

    def __post_init__(self) -> None:
        for name in ("iterations", "batch_size", "reference_batch", "checkpoint_every", "log_every", "keep_states"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "Give at least 1.")
        for name in ("micro_batch", "eval_every", "early_stop", "watchdog_minutes", "max_minutes"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "Give 0 (off) or more.")
        _require(self.bad_steps >= 1, "bad_steps", self.bad_steps, "Give at least 1.")
        _require(0 <= self.frozen_stages <= BACKBONE_STAGES, "frozen_stages", self.frozen_stages, "Give 0 to 5.")
        _require(0 <= self.ema_decay < 1, "ema_decay", self.ema_decay, "Give 0 (off) to 0.9999.")
        needs_scores = self.early_stop > 0 or self.result == "best"
        _require(
            self.eval_every > 0 or not needs_scores,
            "eval_every",
            self.eval_every,
            "early_stop and result=best need evaluations: give the iterations between them.",
        )

    @property
    def scaled_lr(self) -> float:
        """The learning rate for this batch size."""
        return self.lr * self.batch_size / self.reference_batch


def _require(holds: bool, name: str, value: object, fix: str) -> None:
    if not holds:
        raise ConfigError(f"{value} does not do.", where=f"train.{name}", fix=fix)
