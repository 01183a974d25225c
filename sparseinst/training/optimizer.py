"""AdamW with the authors' parameter groups, and the learning rate over time."""

from __future__ import annotations

import math

import torch
from torch import nn

from sparseinst.training.config import TrainConfig

_NO_DECAY = ("norm", "patch_embed", "cls_token")


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; parameters whose name contains "norm", "patch_embed" or "cls_token" have no weight decay (biases do)."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (free if any(word in name for word in _NO_DECAY) else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.scaled_lr, fused=True)


def learning_rate(config: TrainConfig, iteration: int, progress: float) -> float:
    """The learning rate of an iteration.

    Args:
        iteration: Counted from 0; decides the linear warm-up and the steps.
        progress: How much of the run is done, 0 to 1; decides the cosine. It runs ahead of
            `iteration / iterations` when the run has a time limit that would cut it short.
    """
    warmup = 1.0
    if iteration < config.warmup_iterations:
        done = iteration / config.warmup_iterations
        warmup = config.warmup_factor * (1 - done) + done
    if config.schedule == "cosine":
        return config.scaled_lr * warmup * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.scaled_lr * warmup * 0.1 ** sum(iteration >= step for step in config.lr_steps)
