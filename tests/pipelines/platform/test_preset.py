"""A preset is data: what it may say, and what one hears of what cannot be meant."""

import pytest
import yaml

from pipelines.compile import compile_manifest, compile_preset
from pipelines.platform.needs import StepNeeds
from pipelines.platform.preset import load_preset, preset_names
from sparseinst.errors import ConfigError
from tests.deploy.crd import unknown_or_wrong


def _file(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_what_a_step_does_not_say_is_what_every_step_gets(tmp_path):
    text = "every_step: {cpu: 1, memory: 2Gi}\nsteps: {train: {gpus: 4, cpu: 16, memory: 64Gi, shm: 16Gi}}\n"
    preset = load_preset(_file(tmp_path, text))
    assert preset.name == "mine"
    assert (preset.steps["train"].cpu, preset.steps["train"].gpus) == ("16", 4)
    assert (preset.steps["gate"].cpu, preset.steps["gate"].memory, preset.steps["gate"].gpus) == ("1", "2Gi", 0)


def test_who_waits_for_several_nodes_asks_for_little_but_has_the_trainings_patience(tmp_path):
    text = "steps: {train: {nodes: 4, gpus: 8, cpu: 64, memory: 400Gi, retries: 7, timeout_minutes: 99}}\n"
    preset = load_preset(_file(tmp_path, text))
    waiting = preset.pod_of("train")
    assert (waiting.gpus, waiting.cpu, waiting.retries, waiting.timeout_minutes) == (0, "1", 7, 99)
    assert preset.steps["train"].gpus == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step: {train: {gpus: 1}}", "There is no setting 'step'[^!]*Did you mean 'steps'"),
        ("steps: {tran: {gpus: 1}}", "There is no step 'tran'[^!]*Did you mean 'train'"),
        ("steps: {train: {gpu: 1}}", "There is no setting 'gpu'[^!]*steps.train[^!]*Did you mean 'gpus'"),
        ("steps: {train: {gpus: some}}", "'some' is not a whole number[^!]*steps.train.gpus"),
        ("steps: {train: {gpus: -1}}", "'-1' cannot be meant[^!]*steps.train.gpus"),
        ("steps: {train: {memory: 16 GB}}", "'16 GB' cannot be meant[^!]*steps.train.memory[^!]*'16Gi'"),
        ("steps: {train: {cpu: many}}", "'many' cannot be meant[^!]*steps.train.cpu"),
        ("steps: {train: {memory: 8Gi, shm: 8Gi}}", "counts as memory"),
        ("steps: {evaluate: {nodes: 2}}", "'evaluate' runs on one node"),
        ("steps: {train: {tolerations: [{kee: a}]}}", "There is no setting 'kee'"),
        ("steps: {train: {tolerations: [{key: a, effect: Never}]}}", "'Never' is not one of"),
        ("steps: [train]", "'steps' is no mapping"),
        ("steps: {", "The YAML cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place_and_the_way_out(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        load_preset(_file(tmp_path, text))
    assert caught.match(message.replace("[^!]*", r"[\s\S]*"))
    assert caught.value.where
    assert caught.value.fix


def test_an_unknown_preset_and_an_absent_file_are_told():
    with pytest.raises(ConfigError, match="no preset 'gpux8'") as caught:
        load_preset("gpux8")
    assert "gpu8" in caught.value.fix
    with pytest.raises(ConfigError, match="cannot be read"):
        load_preset("absent/mine.yaml")


def test_a_parameter_that_the_pipeline_does_not_have_is_refused_and_nothing_is_written(tmp_path):
    preset = load_preset(_file(tmp_path, "parameters: {min_app: 0.3}\n"))
    with pytest.raises(ConfigError, match="no parameter 'min_app'") as caught:
        compile_preset(preset, tmp_path / "out" / "mine.yaml")
    assert "min_ap" in caught.value.fix
    assert not (tmp_path / "out").exists()


def test_the_images_are_those_that_were_asked_for(tmp_path):
    image = "registry.example/sparseinst-components:1.2"
    text = compile_preset(load_preset("gpu"), tmp_path / "gpu.yaml", image).read_text()
    assert text.count(f"image: {image}") == 5
    assert text.count("image: registry.example/sparseinst-training:1.2") == 2


def test_the_same_pipeline_has_one_version_name_as_a_kubernetes_resource_and_a_changed_one_another(tmp_path):
    def version(path):
        return next(part for part in yaml.safe_load_all(path.read_text()) if part["kind"] == "PipelineVersion")

    first = version(compile_manifest(load_preset("gpu"), tmp_path / "a.yaml", "ml"))
    again = version(compile_manifest(load_preset("gpu"), tmp_path / "b.yaml", "ml"))
    other = version(compile_manifest(load_preset("gpu"), tmp_path / "c.yaml", "ml", "registry.example/x:1"))
    assert first["metadata"]["name"] == again["metadata"]["name"] != other["metadata"]["name"]
    assert first["metadata"]["namespace"] == "ml"
    assert first["spec"]["pipelineSpec"]["root"]["dag"]["tasks"]


@pytest.mark.parametrize("preset", preset_names())
def test_the_kubernetes_resources_have_no_field_that_their_definitions_lack(tmp_path, preset):
    path = compile_manifest(load_preset(preset), tmp_path / "m.yaml", "ml")
    resources = list(yaml.safe_load_all(path.read_text()))
    assert [each["kind"] for each in resources] == ["Pipeline", "PipelineVersion"]
    assert [unknown_or_wrong(each) for each in resources] == [[], []]
    assert resources[1]["spec"]["pipelineName"] == resources[0]["metadata"]["name"]


def test_quantities_are_read_as_kubernetes_reads_them():
    needs = StepNeeds(cpu="500m", memory="1536Mi")
    assert (needs.cpus, needs.memory_gib) == (0.5, 1.5)
