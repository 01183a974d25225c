"""What the nodes run, for real: two torchrun agents with the variables that Trainer's torch plugin gives them."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sparseinst.cluster.manifest import build_manifest
from sparseinst.cluster.result import read_result
from sparseinst.data.ingest import IngestSettings, ingest

SMALL = (
    *("train.batch_size=4", "train.iterations=12", "train.checkpoint_every=100", "train.log_every=1"),
    *("train.eval_every=0", "input.workers=0", "input.train_short_sides=[48, 64]", "input.train_longest_side=96"),
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "sample"
    ingest("sample", folder, IngestSettings(train_images=12, val_images=4))
    return folder


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start_nodes(manifest):
    """One process for each node, as Trainer v2.3 starts its container (pkg/runtime/framework/plugins/torch)."""
    trainer = manifest["spec"]["trainer"]
    given = {
        "PET_NNODES": str(trainer["numNodes"]),
        "PET_NPROC_PER_NODE": str(trainer["numProcPerNode"]),
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return [
        subprocess.Popen(
            [*trainer["command"], *trainer["args"]],
            env={**os.environ, **given, "PET_NODE_RANK": str(node)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for node in range(trainer["numNodes"])
    ]


def test_two_nodes_train_together_and_go_on_when_they_are_started_anew(request_, sample, tmp_path):
    output = tmp_path / "train"
    request = replace(request_, data=str(sample), output=str(output), gpus_per_node=0, overrides=SMALL, config="sample")
    manifest = build_manifest(request, "team")

    nodes = start_nodes(manifest)
    try:
        log = output / "metrics.jsonl"
        end = time.monotonic() + 90
        while not (log.is_file() and len(log.read_text().splitlines()) >= 2):
            assert time.monotonic() < end
            assert nodes[1].poll() is None, nodes[1].communicate()
            time.sleep(0.02)
        nodes[1].send_signal(signal.SIGTERM)  # the node is preempted
        said = [node.communicate(timeout=90)[1] for node in nodes]
        assert all(node.returncode for node in nodes), said
    finally:
        for node in nodes:
            node.kill()
            node.wait()
    assert "the state is saved" in said[0]  # the other nodes stop with the one that is told to
    assert not (output / "manifest.json").is_file()

    nodes = start_nodes(manifest)  # by JobSet: all of them, with the same command
    try:
        said = [node.communicate(timeout=180)[1] for node in nodes]
        assert [node.returncode for node in nodes] == [0, 0], said
    finally:
        for node in nodes:
            node.kill()
            node.wait()
    assert "resuming at iteration" in said[0]
    made = read_result(output)
    assert made.iterations == 12
    assert made.checkpoint.is_file()
