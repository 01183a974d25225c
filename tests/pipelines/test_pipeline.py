"""The compiled pipelines are golden files: what is committed is what the code says."""

import re

import pytest

from pipelines.compile import COMPILED, compile_all
from pipelines.pipeline import STEPS
from pipelines.platform.preset import preset_names
from tests.pipelines.compiled import documents, steps, tasks

PRESETS = preset_names()
_VARYING = re.compile(r"^(\s*)(sdkVersion|image): .*$", re.MULTILINE)


def _normal(text):
    return _VARYING.sub(r"\1\2: …", text)


def test_the_committed_yaml_is_what_the_code_compiles_to(tmp_path):
    compile_all(tmp_path)
    assert {path.stem for path in COMPILED.glob("*.yaml")} == set(PRESETS)
    for name in PRESETS:
        committed, now = (_normal((folder / f"{name}.yaml").read_text()) for folder in (COMPILED, tmp_path))
        assert committed == now, "run: make pipeline-compile"


@pytest.mark.parametrize("preset", PRESETS)
def test_the_steps_are_those_that_the_table_of_a_run_names(preset):
    assert set(steps(preset)) == set(STEPS)


def test_nothing_is_exported_or_deployed_unless_the_gate_says_pass():
    spec = documents("laptop")[0]
    (body,) = [part["dag"]["tasks"] for name, part in spec["components"].items() if "exit-handler" in name]
    assert not {"export", "deploy"} & {*body, *spec["root"]["dag"]["tasks"]}
    (condition,) = [task for task in body.values() if "triggerPolicy" in task]
    assert condition["triggerPolicy"]["condition"].endswith("== 'pass'")


@pytest.mark.parametrize("preset", PRESETS)
def test_the_end_is_told_whatever_happened_before(preset):
    root = documents(preset)[0]["root"]["dag"]["tasks"]
    assert root["finish"]["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    (run,) = set(root) - {"finish"}
    assert root["finish"]["dependentTasks"] == [run]
    assert root["finish"]["inputs"]["parameters"]["status"]["taskFinalStatus"]["producerTask"] == run


@pytest.mark.parametrize("preset", PRESETS)
def test_the_steps_that_reach_out_of_the_run_are_never_answered_from_a_cache(preset):
    cached = {name for name, task in steps(preset).items() if task.get("cachingOptions", {}).get("enableCache")}
    assert cached == {"train", "evaluate", "export"}


def test_the_gate_knows_what_is_served_and_its_decision_goes_to_the_deployment():
    found = steps("laptop")
    told = found["gate"]["inputs"]["parameters"]
    for name in ("model_name", "model_repository", "triton_url", "min_ap", "force_by", "force_why"):
        assert told[name] == {"componentInputParameter": f"pipelinechannel--{name}"}
    assert told["policy"] == {"componentInputParameter": "pipelinechannel--gate_policy"}
    assert set(found["deploy"]["inputs"]["artifacts"]) == {"repository", "decision"}


@pytest.mark.parametrize("preset", PRESETS)
def test_without_being_asked_nobody_forces_anything(preset):
    parameters = documents(preset)[0]["root"]["inputDefinitions"]["parameters"]
    assert [parameters[name]["defaultValue"] for name in ("force_by", "force_why", "gate_policy")] == ["", "", {}]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_compiled_pipeline_installs_nothing_when_it_runs(preset):
    assert "pip install" not in (COMPILED / f"{preset}.yaml").read_text()


@pytest.mark.parametrize("preset", PRESETS)
def test_two_runs_on_a_cluster_never_share_a_folder(preset):
    assert "{run}" in documents(preset)[0]["root"]["inputDefinitions"]["parameters"]["workspace"]["defaultValue"]
    for step in ("ingest", "finish"):
        run_id = steps(preset)[step]["inputs"]["parameters"]["run_id"]
        assert run_id["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"


def test_a_retry_of_the_step_finds_its_own_train_job():
    run_id = tasks("nodes")["train-job"]["inputs"]["parameters"]["run_id"]
    assert run_id["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
