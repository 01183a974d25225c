"""The compiled pipeline is a golden file: what is committed is what the code says."""

import re

import pytest
import yaml

from pipelines.compile import COMPILED, PIPELINES, compile_to
from pipelines.pipeline import STEPS, train_to_triton

_VARYING = re.compile(r"^(\s*)(sdkVersion|image): .*$", re.MULTILINE)


def _normal(text):
    return _VARYING.sub(r"\1\2: …", text)


@pytest.fixture(scope="module")
def spec():
    return next(yaml.safe_load_all((COMPILED / "sparseinst.yaml").read_text()))


def test_the_committed_yaml_is_what_the_code_compiles_to(tmp_path):
    compile_to(tmp_path)
    for name in PIPELINES:
        committed, now = (_normal((folder / name).read_text()) for folder in (COMPILED, tmp_path))
        assert committed == now, "run: make pipeline-compile"


def test_the_steps_are_those_that_the_table_of_a_run_names():
    names = {task for component in train_to_triton.pipeline_spec.components.values() for task in component.dag.tasks}
    names |= set(train_to_triton.pipeline_spec.root.dag.tasks)
    assert {name for name in names if not name.startswith("condition")} == set(STEPS)


def test_nothing_is_exported_or_deployed_unless_the_gate_says_pass(spec):
    tasks = spec["root"]["dag"]["tasks"]
    assert not {"export", "deploy"} & set(tasks)
    (condition,) = [task for task in tasks.values() if "triggerPolicy" in task]
    assert condition["triggerPolicy"]["condition"].endswith("== 'pass'")


def test_the_steps_that_reach_out_of_the_run_are_never_answered_from_a_cache(spec):
    tasks = {**spec["root"]["dag"]["tasks"], **spec["components"]["comp-condition-1"]["dag"]["tasks"]}
    cached = {name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")}
    assert not {"ingest", "gate", "deploy"} & cached


def test_the_gate_knows_what_is_served_and_its_decision_goes_to_the_deployment(spec):
    tasks = spec["root"]["dag"]["tasks"]
    told = tasks["gate"]["inputs"]["parameters"]
    for name in ("model_name", "model_repository", "triton_url", "min_ap", "force_by", "force_why"):
        assert told[name] == {"componentInputParameter": name}
    assert told["policy"] == {"componentInputParameter": "gate_policy"}
    deploy = spec["components"]["comp-condition-1"]["dag"]["tasks"]["deploy"]
    assert set(deploy["inputs"]["artifacts"]) == {"repository", "decision"}


def test_without_being_asked_nobody_forces_anything(spec):
    for document in (spec, next(yaml.safe_load_all((COMPILED / "sparseinst-nodes.yaml").read_text()))):
        parameters = document["root"]["inputDefinitions"]["parameters"]
        assert [parameters[name]["defaultValue"] for name in ("force_by", "force_why", "gate_policy")] == ["", "", {}]


def test_the_compiled_pipeline_installs_nothing_when_it_runs():
    for name in PIPELINES:
        assert "pip install" not in (COMPILED / name).read_text()


def test_a_training_whose_pod_is_gone_is_started_again(spec):
    retried = {name for name, task in spec["root"]["dag"]["tasks"].items() if "retryPolicy" in task}
    assert retried == {"train"}
    nodes = next(yaml.safe_load_all((COMPILED / "sparseinst-nodes.yaml").read_text()))
    tasks = nodes["root"]["dag"]["tasks"]
    assert "train" not in tasks
    assert tasks["train-job"]["retryPolicy"]["maxRetryCount"] == 10
    run_id = tasks["train-job"]["inputs"]["parameters"]["run_id"]
    assert run_id["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"


def test_two_runs_on_a_cluster_never_share_a_folder(spec):
    assert "{run}" in spec["root"]["inputDefinitions"]["parameters"]["workspace"]["defaultValue"]
    run_id = spec["root"]["dag"]["tasks"]["ingest"]["inputs"]["parameters"]["run_id"]
    assert run_id["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
