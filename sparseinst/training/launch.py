"""Starts one process per rank with torchrun, on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from sparseinst.errors import Preempted, SparseInstError, TrainingError

_REPORTED_CODES = {kind.exit_code: kind for kind in SparseInstError.__subclasses__()}


def launch_ranks(ranks: int, arguments: Sequence[str]) -> None:
    """Runs `sparseinst train` with these arguments once per rank, and waits.

    The ranks' messages go to this process's stderr. SIGTERM is handed on, so that they can save their state.

    Raises:
        Preempted: The ranks saved their state after a signal.
        TrainingError: A rank failed; it has said why.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command += ["-m", "sparseinst", "train", *arguments]
    environment = {**os.environ}
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // ranks)))
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr)

    def hand_on(number: int, _: FrameType | None) -> None:
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
    if code == Preempted.exit_code:
        raise Preempted("The ranks were stopped by a signal; the state is saved.", fix="Run the same command again.")
    if code:
        raise TrainingError(
            f"Training with {ranks} ranks ended with exit code {code}.", where="the messages above", fix="See there."
        )
