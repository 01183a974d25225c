"""What no implementation on this machine can go below: operations to do over operations a second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sparseinst.config import load_config
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst


def gmacs(config: str | ModelConfig, height: int, width: int, num_classes: int = 80) -> float:
    """Billions of multiply-adds of one forward pass of one image; only products count, as is usual."""
    model = SparseInst(load_config(config).model if isinstance(config, str) else config, num_classes).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model.decoder(model.encoder(model.backbone(torch.zeros(1, 3, height, width))))
    return counter.get_total_flops() / 2e9


def best_rate(device: torch.device, dtype: torch.dtype) -> float:
    """GFLOP/s of the layer that most of the network consists of, a 3x3 convolution of 256 channels at stride 8."""
    batch = 1 if device.type == "cpu" else 16
    x = torch.randn(batch, 256, 80, 80, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(256, 256, 3, padding=1).to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        seconds = [clock(lambda: conv(x), device) for _ in range(12)][2:]
    return 2e-9 * batch * 256 * 256 * 9 * 80 * 80 / min(seconds)


def clock(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that `work` takes: of this process on a CPU (others do not count), by the clock on a GPU."""
    started = now(device)
    work()
    return now(device) - started


def now(device: torch.device) -> float:
    """The time in seconds from which `clock` takes differences; on a GPU after all that was asked of it is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")
