"""What the figures were measured on."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def describe(device: torch.device) -> str:
    """The GPU's or the CPU's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
