"""Which number format a device trains with: "auto" is bf16 where there are units for it, else fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from sparseinst.training.config import Precision

Resolved = Literal["fp32", "bf16", "fp16"]

DTYPES: dict[Resolved, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# A CPU without them computes bf16 by way of fp32, and takes ten times as long as in fp32.
_CPU_UNITS = {"avx512_bf16", "amx_bf16", "bf16"}  # as Linux calls them; the last one on Arm


def resolve_precision(precision: Precision, device: torch.device, cpuinfo: Path = Path("/proc/cpuinfo")) -> Resolved:
    """The format that is trained with; what is not "auto" stays as it is."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if _CPU_UNITS & _flags(cpuinfo) else "fp32"


def _flags(cpuinfo: Path) -> set[str]:
    """What the CPU can do, as Linux says; nothing elsewhere."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next(
        (set(line.partition(":")[2].split()) for line in lines if line.lower().startswith(("flags", "features"))), set()
    )
