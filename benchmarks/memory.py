"""The most memory that a piece of work takes beyond what was there before it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_megabytes(work: Callable[[], object], device: torch.device) -> float:
    """MB of resident memory on a CPU (Linux; elsewhere NaN), of allocated memory on a GPU."""
    if device.type != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return (torch.cuda.max_memory_allocated(device) - before) / 1e6
    try:
        ctypes.CDLL(None).malloc_trim(0)  # memory that was freed but kept would hide what the work takes
        _RESET.write_text("5")  # the high-water mark starts anew
        before = _resident("VmRSS")
        work()
        return (_resident("VmHWM") - before) / 1e6
    except (OSError, AttributeError):
        work()
        return float("nan")


def _resident(name: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return 1024.0 * int(line.split()[1])
