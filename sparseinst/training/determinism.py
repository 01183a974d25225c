"""Deterministic mode: the same bits each time, on the same machine and versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sparseinst.config import RunConfig
from sparseinst.errors import ConfigError


@contextmanager
def deterministic(config: RunConfig, device: torch.device) -> Iterator[None]:
    """Within the block, where `train.deterministic` says so, only algorithms that give the same bits each time.

    On a CPU that is so anyway, with the same number of threads. An algorithm that has no such form on a GPU raises an
    error of torch's, and is no surprise later.

    Raises:
        ConfigError: The model has a part of which torch does not know that it is not deterministic.
    """
    if not config.train.deterministic:
        yield
        return
    if config.model.deformable and device.type == "cuda":
        raise ConfigError(
            "Deformable convolutions add up their gradients in any order on a GPU.",
            where="train.deterministic, model.deformable",
            fix="Choose a model without them, or leave train.deterministic false.",
        )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    benchmark = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = benchmark


class MatrixPool(nn.Module):
    """Adaptive average pooling by two matrices: torch's own has no deterministic backward pass on GPUs."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to [B, C, side, side]; equal to F.adaptive_avg_pool2d up to rounding."""
        rows, columns = _means(x.shape[2], self.side), _means(x.shape[3], self.side)
        return rows.to(x) @ x @ columns.to(x).T


def replace_pooling(module: nn.Module) -> None:
    """Puts MatrixPool in the place of adaptive average pooling, everywhere below a module. It has no parameters."""
    for name, child in module.named_children():
        if isinstance(child, nn.AdaptiveAvgPool2d) and isinstance(child.output_size, int):
            setattr(module, name, MatrixPool(child.output_size))
        else:
            replace_pooling(child)


def _means(length: int, cells: int) -> Tensor:
    """Row i has the weights of the mean over cell i, float32 [cells, length]. Cells may overlap."""
    weights = torch.zeros(cells, length)
    for cell in range(cells):
        begin, end = cell * length // cells, -(-(cell + 1) * length // cells)
        weights[cell, begin:end] = 1 / (end - begin)
    return weights
