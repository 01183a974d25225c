"""The plan of a training run before anything is spent: memory, time and money, from the configuration alone."""

from sparseinst.training.plan.largest import largest_micro_batch
from sparseinst.training.plan.make import plan_training
from sparseinst.training.plan.plan import Check, GpuPlan, Plan, require_fit
from sparseinst.training.plan.prices import Gpu, Prices, load_prices
from sparseinst.training.plan.text import plan_text

__all__ = [
    "Check",
    "Gpu",
    "GpuPlan",
    "Plan",
    "Prices",
    "largest_micro_batch",
    "load_prices",
    "plan_text",
    "plan_training",
    "require_fit",
]
