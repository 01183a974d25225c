"""The whole way on real parts: drawn images, a few steps of training, a real S3 server, a real Triton server."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.serving import stack
from tests.conftest import ROOT

pytestmark = pytest.mark.stack

FEW_STEPS = ("--config", "sample", "--set", "train.iterations=12", "--set", "train.batch_size=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with drawn images in `shapes`; the servers that runs start in it are ended at last."""
    folder = tmp_path_factory.mktemp("place")
    ingest("sample", folder / "shapes", IngestSettings(train_images=6, val_images=3))
    yield folder
    stack.down(folder / "stack")


def _environment(place):
    return {**os.environ, "SPARSEINST_STACK_DIR": str(place / "stack"), "OMP_NUM_THREADS": "1"}


def _command(place, *options, data="shapes"):
    runs = ("--runs", str(place / "runs"))
    return [sys.executable, "-m", "pipelines.run", "--data", str(place / data), *runs, *FEW_STEPS, *options]


def _run(place, *options, data="shapes"):
    command = _command(place, *options, data=data)
    return subprocess.run(command, cwd=ROOT, env=_environment(place), capture_output=True, text=True, check=False)


def _served_versions(place):
    if stack.read_state(place / "stack") is None:
        return {}
    return {model.name: model.version for model in stack.status(place / "stack").models}


def _table(text):
    """{step: state} of the table of steps."""
    return dict(
        re.findall(r"^  [✓✗-] (\w+) .*?  (succeeded|failed|skipped: gate refused|not run|interrupted)", text, re.M)
    )


def test_annotated_images_become_a_served_model_that_answers(place):
    done = _run(place)
    assert done.returncode == 0, done.stderr
    assert set(_table(done.stdout).values()) == {"succeeded"}
    assert _served_versions(place) == {"sparseinst": "1", "sparseinst_front": "1"}
    assert (place / "runs" / "latest" / "evaluate" / "overlays.jpg").stat().st_size > 0
    (suggestion,) = re.findall(r"try next +\S*sparseinst (predict .*) --output", done.stdout)
    command = [sys.executable, "-m", "sparseinst", *suggestion.split(), "--json"]
    answered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answered.returncode == 0, answered.stderr
    assert isinstance(json.loads(answered.stdout), dict)


def test_the_endpoint_says_which_data_and_code_made_it_and_a_changed_number_is_found(place):
    endpoint = f"grpc://{stack.read_state(place / 'stack').triton_url}/sparseinst"
    told = _lineage(place, endpoint, code=0)
    kinds = set(re.findall(r"✓ (\w+) ", told.stdout))
    assert kinds == {"endpoint", "deployment", "export", "checkpoint", "dataset", "metrics", "gate"}
    assert "whole: 7 artifacts" in told.stdout
    metrics = place / "runs/latest/evaluate/metrics.json"
    honest = metrics.read_text()
    metrics.write_text(honest.replace('"AP": ', '"AP": 0.9', 1))
    refused = _lineage(place, endpoint, code=11)
    assert "metrics.json" in refused.stderr and "changed" in refused.stderr
    metrics.write_text(honest)


def _lineage(place, *arguments, code):
    command = [sys.executable, "-m", "sparseinst", "lineage", *arguments, "--search", str(place / "runs")]
    done = subprocess.run(command, cwd=ROOT, env=_environment(place), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_a_refused_gate_ends_with_10_and_the_version_before_goes_on_serving(place):
    before = _served_versions(place)
    done = _run(place, "--min-ap", "1")
    assert done.returncode == 10, done.stderr
    states = _table(done.stdout)
    assert states["gate"] == "succeeded"
    assert states["export"] == states["deploy"] == "skipped: gate refused"
    assert "below the minimum" in done.stdout
    assert _served_versions(place) == before


def test_malformed_annotations_end_with_3_and_their_own_error_and_nothing_runs_after_it(place):
    (place / "broken" / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        (place / "broken" / "annotations" / f"{split}.json").write_text('{"images": [')
    before = _served_versions(place)
    done = _run(place, data="broken")
    assert done.returncode == 3
    found = r"    - error    JSON-SYNTAX +annotations/{}\.json#.*\n"
    lines = found.format("train") + found.format("val")
    assert re.search(rf"^error: .*\n  where: .*broken\n{lines}  fix:   ", done.stderr, re.M)
    assert "Traceback" not in done.stderr
    states = _table(done.stdout)
    assert (states.pop("ingest"), states.pop("finish")) == ("failed", "succeeded")
    assert set(states.values()) == {"not run"}
    assert _served_versions(place) == before


def test_an_interrupted_run_leaves_no_process_and_ends_the_servers_that_it_started(place):
    stack.down(place / "stack")
    command = _command(place, "--set", "train.iterations=100000")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen(command, cwd=ROOT, env=_environment(place), text=True, **pipes)
    try:
        assert any("ingest" in line for line in run.stderr), "the run ended before its first step"
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate(timeout=120)
    finally:
        run.kill()
    assert run.returncode == 143
    assert "succeeded" not in {_table(out).get(step) for step in ("train", "deploy")}
    assert _processes_of(place) == []


def _processes_of(place: Path):
    """Whatever was started for the stack or the runs of this folder and is still there."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SPARSEINST_STACK_DIR") == str(place / "stack"):
                found.append(process.cmdline())
        except (psutil.Error, OSError):
            continue
    return found


def test_a_run_after_an_interrupted_one_works_and_publishes_the_next_version(place):
    done = _run(place)
    assert done.returncode == 0, done.stderr
    assert _served_versions(place) == {"sparseinst": "2", "sparseinst_front": "1"}
    decision = json.loads((place / "runs/latest/gate/gate.json").read_text())
    assert decision["incumbent"]["model"] and decision["incumbent"]["dataset"] == decision["candidate"]["dataset"]
    assert {reason["check"] for reason in decision["reasons"]} >= {"minimum", "data", "regression", "classes"}
