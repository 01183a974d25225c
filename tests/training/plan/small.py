"""Runs whose plan is made in a moment."""

from __future__ import annotations

from typing import Any

from sparseinst.config import RunConfig
from sparseinst.data.config import InputConfig
from sparseinst.training.config import TrainConfig
from sparseinst.training.plan.prices import Gpu, Prices
from tests.tiny import TINY

SIDES = InputConfig(train_short_sides=(96,), train_longest_side=128)


def small_run(sides: InputConfig = SIDES, **train: Any) -> RunConfig:
    settings = {"iterations": 1000, "batch_size": 16, "reference_batch": 16, "lr_steps": (800,), "weights": "w.pt"}
    return RunConfig(model=TINY, input=sides, train=TrainConfig(**{**settings, **train}))


def table(*gpus: Gpu) -> Prices:
    return Prices(gpus, "2026-08-26", "prices.yaml")


def gpu(name: str = "G", **values: Any) -> Gpu:
    defaults = {"memory_gb": 16, "bandwidth_gbs": 500, "fp32_tflops": 10, "fp16_tflops": 80, "usd_per_hour": 2.0}
    return Gpu(name=name, **{**defaults, **values})
