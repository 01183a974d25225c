"""The doorway: what a pipeline step runs, and what Kubeflow gets of it."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from kfp import compiler, dsl

from components.train.component import train
from components.train_job.component import train_job
from sparseinst.cluster.manifest import job_name
from sparseinst.manifest import write_manifest
from tests.conftest import ROOT

NAME = job_name("run-1")

STEP = """
import json, sys
from types import SimpleNamespace
from components.train_job.component import train_job
given = json.loads(sys.argv[1])
dataset = SimpleNamespace(metadata={"location": given.pop("data")})
model, report = SimpleNamespace(path=given.pop("model"), metadata={}), SimpleNamespace(path="report.html")
scores = SimpleNamespace(log_metric=print)
train_job.python_func(dataset=dataset, model=model, report=report, scores=scores, **given)
"""


@pytest.fixture
def given(tmp_path):
    return {
        "folder": str(tmp_path / "run"),
        "config": "quick",
        "overrides": ["train.iterations=3"],
        "seed": 7,
        "run_id": "run-1",
        "image": "registry.example/sparseinst:1",
        "nodes": 2,
        "gpus_per_node": 1,
    }


@pytest.fixture
def environment(kubernetes, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubernetes.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def leave_a_result(folder):
    """What the nodes' training leaves in its folder."""
    output = folder / "train"
    output.mkdir(parents=True)
    (output / "checkpoint.pt").write_bytes(b"weights")
    (output / "train.html").write_text("curves")
    files = [output / "checkpoint.pt"]
    write_manifest(
        output, kind="checkpoint", inputs={}, settings={}, files=files, facts={"iterations": 3, "seconds": 90.0}
    )


def test_a_step_trains_on_nodes_and_gives_the_checkpoint(kubernetes, environment, given, tmp_path, played):
    def controllers():
        job = kubernetes.wait_for_job(NAME)
        assert job["spec"]["trainer"]["args"][-2:] == ["--set", "train.seed=7"]
        assert job["spec"]["activeDeadlineSeconds"] == 600
        leave_a_result(tmp_path / "run")
        kubernetes.finish(NAME, "Complete")

    dataset = SimpleNamespace(metadata={"location": "/workspace/run/dataset"})
    model = SimpleNamespace(path=str(tmp_path / "model.pt"), metadata={})
    with played(controllers):
        report, numbers = SimpleNamespace(path=str(tmp_path / "report.html")), {}
        scores = SimpleNamespace(log_metric=numbers.__setitem__)
        outputs = {"model": model, "report": report, "scores": scores}
        train_job.python_func(dataset=dataset, timeout_minutes=10, **outputs, **given)
    assert (tmp_path / "model.pt").read_bytes() == b"weights"
    assert (tmp_path / "report.html").read_text() == "curves"
    assert numbers == {"iterations": 3, "minutes": 1.5}


def test_nodes_that_write_to_another_volume_are_found_out(kubernetes, environment, given, played, capsys):
    def controllers():
        kubernetes.wait_for_job(NAME)
        kubernetes.finish(NAME, "Complete")

    with played(controllers), pytest.raises(SystemExit) as ended:
        nowhere = SimpleNamespace(path="/nowhere")
        outputs = dict.fromkeys(("model", "report", "scores"), nowhere)
        train_job.python_func(dataset=SimpleNamespace(metadata={"location": "/d"}), **outputs, **given)
    assert ended.value.code == 4


def test_sigterm_ends_the_steps_process_with_75_and_the_job_with_it(kubernetes, environment, given, tmp_path):
    arguments = {**given, "data": "/workspace/run/dataset", "model": str(tmp_path / "model.pt")}
    command = [sys.executable, "-c", STEP, json.dumps(arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ})
    try:
        kubernetes.wait_for(lambda: kubernetes.job(NAME), limit_s=60)
        zero, _ = kubernetes.add_pods(NAME, 2)
        kubernetes.say(zero, "step 1")
        kubernetes.wait_for(lambda: [path for _, path, _ in kubernetes.asked if path.endswith("/log")])
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 75
    assert "step 1" in said
    assert "they save their state" in said
    kubernetes.wait_for(lambda: kubernetes.job(NAME) is None)


def test_it_takes_trains_place_in_a_pipeline(tmp_path):
    @dsl.component(base_image="python:3.11", install_kfp_package=False)
    def ingest(dataset: dsl.Output[dsl.Dataset]) -> str:
        return "/workspace/run"

    @dsl.pipeline(name="on-nodes")
    def on_nodes(nodes: int = 2, gpus: int = 8):
        data = ingest()
        train_job(
            dataset=data.outputs["dataset"],
            folder=data.outputs["Output"],
            config="quick",
            overrides=[],
            seed=0,
            run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            image="registry.example/sparseinst:1",
            nodes=nodes,
            gpus_per_node=gpus,
        )

    compiler.Compiler().compile(on_nodes, str(tmp_path / "pipeline.yaml"))
    document = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())
    component = document["components"]["comp-train-job"]
    assert component["outputDefinitions"]["artifacts"].keys() == {"model", "report", "scores"}
    outputs = [each.component_spec.outputs for each in (train, train_job)]
    assert outputs[0].keys() == outputs[1].keys()
    assert outputs[0]["model"].type == outputs[1]["model"].type
