"""Starts one process per rank with torchrun, on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sparseinst.errors import TrainingError
from sparseinst.training.ranks import verdicts
from sparseinst.training.trouble.stop import SIGNALS


def launch_ranks(ranks: int, arguments: Sequence[str]) -> None:
    """Runs `sparseinst train` with these arguments once per rank, and waits.

    The ranks' messages go to this process's stderr. SIGTERM and SIGUSR1 are handed on, so that they save their state.

    Args:
        ranks: How many.
        arguments: Of the command line, without `--nproc`.

    Raises:
        SparseInstError: The first error that a rank ended with, e.g. Preempted.
        TrainingError: A rank ended without saying why.
    """
    command = [sys.executable, "-m", "sparseinst.training.ranks.torchrun", "--standalone"]
    command += [f"--nproc-per-node={ranks}", "-m", "sparseinst", "train", *arguments]
    with tempfile.TemporaryDirectory(prefix="sparseinst-ranks-") as folder:
        environment = {**os.environ, verdicts.FOLDER: folder}
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // ranks)))
        environment.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # not that each rank could not read another's address
        code = _run(command, environment)
        error = verdicts.verdict(Path(folder))
    if error:
        raise error
    if code:
        raise TrainingError(
            f"A rank ended without a word (torchrun's exit code is {code}).",
            where="the messages above",
            fix="Killed processes say nothing: look for the out-of-memory killer ('dmesg', the pod's events). "
            "The same command goes on from the last saved state.",
        )


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr)

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGTERM)  # torchrun knows no other that would not kill it

    before = {number: signal.signal(number, hand_on) for number in SIGNALS}
    try:
        return process.wait()
    except BaseException:  # Ctrl-C reached the ranks too; they end by themselves
        process.terminate()
        process.wait()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
