"""Starts one process per rank with torchrun, on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sparseinst.errors import Preempted, SparseInstError, TrainingError

_REPORTED_CODES = {kind.exit_code: kind for kind in SparseInstError.__subclasses__()}


def launch_ranks(ranks: int, arguments: Sequence[str], saved: Path) -> None:
    """Runs `sparseinst train` with these arguments once per rank, and waits.

    The ranks' messages go to this process's stderr. SIGTERM is handed on, so that they can save their state.

    Args:
        ranks: How many.
        arguments: Of the command line, without `--nproc`.
        saved: The file that the ranks save their state to when they are stopped.

    Raises:
        Preempted: The ranks saved their state after a signal.
        TrainingError: A rank failed; it has said why.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command += ["-m", "sparseinst", "train", *arguments]
    environment = {**os.environ}
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // ranks)))
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr)
    stopped_at: list[float] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        stopped_at.append(time.time())
        process.send_signal(number)

    before = signal.signal(signal.SIGTERM, hand_on)
    try:
        code = process.wait()
    except BaseException:  # Ctrl-C reached the ranks too; they end by themselves
        process.terminate()
        process.wait()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    # torchrun ends with its own code, whatever the ranks ended with: that they saved is seen by the file.
    if stopped_at and saved.is_file() and saved.stat().st_mtime >= stopped_at[0]:
        raise Preempted(
            "The ranks were stopped by a signal; the state is saved.",
            where=str(saved),
            fix="Run the same command again: it goes on from there.",
        )
    if code:
        raise TrainingError(
            f"Training with {ranks} ranks ended with exit code {code}.", where="the messages above", fix="See there."
        )
