"""Two processes give exactly the numbers and detections of one, however the last batch is filled."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from sparseinst.cli import cli
from sparseinst.evaluation.analysis.table import MatchTable

TIMES = {"timing", "speed"}  # of this very run


def evaluated(data: Path, model: Path, output: Path, processes: int, batch_size: int) -> Path:
    """Runs the command as torchrun does: one process for each rank, which find each other by the environment.

    One alone is this process.
    """
    options = ["--data", data, "--model", model, "--output", output, "--batch-size", batch_size, "--pictures", 2]
    arguments = ["evaluate", *map(str, options)]
    if processes == 1:
        CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
        return output
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "sparseinst", *arguments],
            env={**common, "WORLD_SIZE": str(processes), "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    for rank in ranks:
        _, err = rank.communicate(timeout=120)
        assert rank.returncode == 0, err
    return output


def test_two_processes_give_what_one_gives(dataset: Path, checkpoint: Path, tmp_path: Path) -> None:
    # 12 images: batches of 5, 5 and 2
    one, two = (evaluated(dataset, checkpoint, tmp_path / str(count), count, batch_size=5) for count in (1, 2))
    first, second = (json.loads((folder / "metrics.json").read_text()) for folder in (one, two))
    assert {k: v for k, v in first.items() if k not in TIMES} == {k: v for k, v in second.items() if k not in TIMES}
    assert (one / "detections.json").read_bytes() == (two / "detections.json").read_bytes()
    tables = [MatchTable.load(folder / "matches.npz") for folder in (one, two)]
    assert len(tables[0].image) > 12
    for name in MatchTable.__slots__:
        np.testing.assert_array_equal(*(getattr(table, name) for table in tables))
