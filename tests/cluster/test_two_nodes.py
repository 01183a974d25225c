"""What the nodes run, for real: two torchrun agents with the variables that Trainer's torch plugin gives them."""

import os
import shutil
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
from sparseinst.errors import StorageError
from sparseinst.workspace import open_workspace
from sparseinst.workspace.scratch import SCRATCH

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


def start_nodes(manifest, attempt=""):
    """One process for each node, as Trainer v2.3 starts its container (pkg/runtime/framework/plugins/torch).

    Each has a disk of its own below `attempt`: pods that are started anew have lost what the ones before had.
    """
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
            env={**os.environ, **given, "PET_NODE_RANK": str(node), SCRATCH: f"{attempt}/node-{node}"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for node in range(trainer["numNodes"])
    ]


def end_of(nodes):
    """What the nodes said and ended with. Whatever happens, none is left."""
    try:
        said = [node.communicate(timeout=180)[1] for node in nodes]
    finally:
        for node in nodes:
            node.kill()
            node.wait()
    return said, [node.returncode for node in nodes]


def preempt(nodes, log):
    """Tells the second node to go, once the training is on its way."""
    end = time.monotonic() + 90
    while not (log.is_file() and len(log.read_text().splitlines()) >= 2):
        assert time.monotonic() < end
        assert nodes[1].poll() is None, end_of(nodes)
        time.sleep(0.02)
    nodes[1].send_signal(signal.SIGTERM)


def test_two_nodes_train_together_and_go_on_when_they_are_started_anew(request_, sample, tmp_path):
    output = tmp_path / "train"
    request = replace(request_, data=str(sample), output=str(output), gpus_per_node=0, overrides=SMALL, config="sample")
    manifest = build_manifest(request, "team")

    nodes = start_nodes(manifest)
    preempt(nodes, output / "metrics.jsonl")
    said, codes = end_of(nodes)
    assert all(codes), said
    assert "the state is saved" in said[0]  # the other nodes stop with the one that is told to
    assert not (output / "manifest.json").is_file()

    said, codes = end_of(start_nodes(manifest))  # by JobSet: all of them, with the same command
    assert codes == [0, 0], said
    assert "resuming at iteration" in said[0]
    made = read_result(str(output))
    assert made.iterations == 12
    assert made.checkpoint.is_file()


@pytest.mark.stack
def test_without_a_volume_each_node_fetches_the_data_and_the_next_pods_go_on_from_the_bucket(
    request_, sample, tmp_path, s3_uri, monkeypatch
):
    monkeypatch.setenv(SCRATCH, str(tmp_path / "ingest"))
    with open_workspace(s3_uri).make("dataset") as output:
        shutil.copytree(sample, output)
    places = {"data": f"{s3_uri}/dataset", "output": f"{s3_uri}/train"}
    request = replace(request_, **places, gpus_per_node=0, overrides=SMALL, config="sample")
    manifest = build_manifest(request, "team")

    nodes = start_nodes(manifest, str(tmp_path / "first"))
    monkeypatch.setenv(SCRATCH, str(tmp_path / "first" / "node-0"))
    preempt(nodes, open_workspace(s3_uri).local("train") / "metrics.jsonl")
    said, codes = end_of(nodes)
    assert all(codes), said
    assert "the state is saved" in said[0]
    for node in (0, 1):
        assert list((tmp_path / "first" / f"node-{node}").glob("*/dataset/manifest.json"))
    with pytest.raises(StorageError, match="did not end well"):
        read_result(request.output)

    said, codes = end_of(start_nodes(manifest, str(tmp_path / "second")))
    assert codes == [0, 0], said
    assert "resuming at iteration" in said[0]
    monkeypatch.setenv(SCRATCH, str(tmp_path / "step"))
    made = read_result(request.output)
    assert made.iterations == 12
    assert made.checkpoint.is_file()
    assert made.report.is_file()
