"""What a model runs on, in words that a report can show."""

from __future__ import annotations

import platform

import torch


def device_name(device: str) -> str:
    """The GPU's name, or the CPU's kind and how many threads torch uses.

    Args:
        device: "cuda" or "cpu".
    """
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU ({platform.machine()}), {torch.get_num_threads()} threads"
