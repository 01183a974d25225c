"""The public command in a process of its own, and what it cost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command.

    Attributes:
        seconds: By the clock.
        cpu_seconds: Of the command and all its processes. Where several programs share the cores the clock says more.
    """

    seconds: float
    cpu_seconds: float

    def rounded(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 1), "cpu_seconds": round(self.cpu_seconds, 1)}


def sparseinst(*arguments: str, threads: int) -> Cost:
    """Runs `sparseinst`; what it says goes to the terminal.

    Args:
        arguments: As on a command line.
        threads: For torch's computations, in each process.

    Raises:
        SystemExit: The command failed; with its exit code.
    """
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",  # the proof is for a CPU, whatever the machine has
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait starve each other on a small machine
    }
    before, begin = _cpu_of_children(), time.perf_counter()
    code = subprocess.run([sys.executable, "-m", "sparseinst", *arguments], env=environment).returncode
    if code:
        raise SystemExit(code)
    return Cost(time.perf_counter() - begin, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
