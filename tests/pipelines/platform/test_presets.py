"""Each preset, compiled: every step gets what the preset says for it, and the pipeline itself is everyone's."""

import copy
import re

import pytest
import yaml

from pipelines.platform.needs import size_in_bytes
from pipelines.platform.preset import load_preset, preset_names
from pipelines.platform.rights import KEYS, OPTIONAL, SECRETS, STEPS_SECRET
from tests.pipelines.compiled import containers, documents, on_kubernetes, steps, tasks

PRESETS = preset_names()
GPU_PRESETS = ["gpu", "gpu8", "nodes", "spot"]
EACH_STEP = [(preset, step) for preset in PRESETS for step in SECRETS]


def _pod(preset, step):
    return load_preset(preset).pod_of(step)


def test_the_presets_are_those_that_the_documents_name():
    assert PRESETS == ["gpu", "gpu8", "laptop", "nodes", "spot"]
    assert all(load_preset(name).description for name in PRESETS)


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_asks_for_the_cpus_and_the_memory_of_its_preset(preset, step):
    needs, resources = _pod(preset, step), containers(preset)[step]["resources"]
    assert resources["resourceCpuRequest"] == needs.cpu
    assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"] == needs.memory
    assert resources["cpuRequest"] == needs.cpus  # the fields that older backends read (kubeflow/pipelines#11374)
    assert resources["memoryLimit"] == pytest.approx(size_in_bytes(needs.memory) / 1e9)


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_gets_its_gpus_and_the_image_that_can_use_them(preset, step):
    needs, container = _pod(preset, step), containers(preset)[step]
    if needs.gpus:
        told = {"count": str(needs.gpus), "type": "nvidia.com/gpu"}
        both = {**told, "resourceCount": told["count"], "resourceType": told["type"]}
        assert container["resources"]["accelerator"] == both
        assert container["image"].startswith("sparseinst-training:")
    else:
        assert "accelerator" not in container["resources"]
        assert container["image"].startswith("sparseinst-components:")


def test_the_gpu_presets_train_on_the_gpus_of_their_names():
    trained = {name: load_preset(name).steps["train"] for name in GPU_PRESETS}
    assert {name: (needs.nodes, needs.gpus) for name, needs in trained.items()} == {
        "gpu": (1, 1),
        "gpu8": (1, 8),
        "nodes": (2, 8),
        "spot": (1, 1),
    }
    for name in ("gpu", "gpu8", "spot"):
        assert steps(name)["train"]["inputs"]["parameters"]["gpus"]["runtimeValue"]["constant"] == trained[name].gpus


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_gets_shared_memory_and_scratch_of_the_size_that_the_preset_says(preset, step):
    needs = _pod(preset, step)
    mounts = {mount["mountPath"]: mount for mount in on_kubernetes(preset)[step].get("emptyDirMounts", [])}
    wanted = {"/dev/shm": needs.shm, "/scratch": needs.scratch}
    assert {path: mount["sizeLimit"] for path, mount in mounts.items()} == {p: s for p, s in wanted.items() if s}
    assert mounts.get("/dev/shm", {"medium": "Memory"})["medium"] == "Memory"
    environment = {entry["name"]: entry["value"] for entry in containers(preset)[step].get("env", [])}
    assert environment == ({"SPARSEINST_SCRATCH": "/scratch"} if needs.scratch else {})


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_goes_where_its_preset_says_and_never_runs_as_root(preset, step):
    needs, given = _pod(preset, step), on_kubernetes(preset)[step]
    assert given.get("tolerations", []) == needs.manifest_tolerations()
    assert given.get("nodeSelector", {}).get("labels", {}) == needs.node_selector
    assert given["securityContext"] == {"runAsNonRoot": True}
    labels = {"app.kubernetes.io/part-of": "sparseinst", "app.kubernetes.io/component": step}
    assert given["podMetadata"]["labels"] == labels


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_is_tried_again_later_and_later_and_not_without_end(preset, step):
    needs, task = _pod(preset, step), steps(preset)[step]
    if needs.retries:
        retry = task["retryPolicy"]
        assert (retry["maxRetryCount"], retry["backoffFactor"]) == (needs.retries, 2.0)
        assert (retry["backoffDuration"], retry["backoffMaxDuration"]) == (f"{needs.backoff_s}s", "1800s")
    else:
        assert "retryPolicy" not in task
    assert int(on_kubernetes(preset)[step]["activeDeadlineSeconds"]) == 60 * needs.timeout_minutes > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_training_outlives_its_pods_and_a_refused_rollout_is_not_repeated(preset):
    assert _pod(preset, "train").retries >= 1
    assert _pod(preset, "deploy").retries == 0
    assert load_preset("spot").steps["train"].retries > load_preset("gpu").steps["train"].retries


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_gets_the_secrets_of_its_rights_and_no_other(preset, step):
    given = {entry["secretName"]: entry for entry in on_kubernetes(preset)[step]["secretAsEnv"]}
    assert set(given) == set(SECRETS[step])
    for name, entry in given.items():
        assert {pair["secretKey"]: pair["envVar"] for pair in entry["keyToEnv"]} == {key: key for key in KEYS[name]}
        assert entry["optional"] == (name in OPTIONAL)


@pytest.mark.parametrize(("preset", "step"), EACH_STEP)
def test_a_step_sees_the_volume_unless_the_runs_folders_are_in_s3(preset, step):
    mounts = [(mount["constant"], mount["mountPath"]) for mount in on_kubernetes(preset)[step].get("pvcMount", [])]
    assert mounts == ([] if preset == "spot" else [("sparseinst-workspace", "/workspace")])


def test_the_nodes_of_a_train_job_get_what_the_preset_says_of_training():
    needs, told = load_preset("nodes").steps["train"], steps("nodes")["train"]["inputs"]["parameters"]
    constants = {name: value["runtimeValue"]["constant"] for name, value in told.items() if "runtimeValue" in value}
    expected = {
        "nodes": needs.nodes,
        "gpus_per_node": needs.gpus,
        "cpus_per_node": needs.cpu,
        "memory_per_node": needs.memory,
        "shared_memory_per_node": needs.shm,
        "timeout_minutes": needs.timeout_minutes,
        "tolerations": needs.manifest_tolerations(),
        "node_selector": dict(needs.node_selector),
        "storage_secret": STEPS_SECRET,
        "workspace_claim": "sparseinst-workspace",
        "image": containers("nodes")["evaluate"]["image"],
    }
    assert {name: constants[name] for name in expected} == expected


@pytest.mark.parametrize("preset", sorted({*PRESETS} - {"laptop", "nodes"}))
def test_nothing_but_what_the_platform_gives_differs_from_the_laptops_pipeline(preset):
    assert _core(preset) == _core("laptop")


def test_on_several_nodes_only_the_training_step_is_another():
    def without_training(core):
        core = yaml.safe_load(re.sub(r"\btrain-job\b", "train", yaml.safe_dump(core)))
        for part in (core["components"], core["deploymentSpec"]["executors"]):
            for name in ("comp-train", "exec-train"):
                part.pop(name, None)
        (body,) = [part["dag"] for name, part in core["components"].items() if "exit-handler" in name]
        body["tasks"]["train"] = "another"
        return core

    assert without_training(_core("nodes")) == without_training(_core("laptop"))


def _core(preset):
    """The specification without what apply.py gives: resources, images, scratch, retries; and without defaults."""
    core = copy.deepcopy(documents(preset)[0])
    for parameter in core["root"]["inputDefinitions"]["parameters"].values():
        parameter.pop("defaultValue")
    for executor in core["deploymentSpec"]["executors"].values():
        for given in ("resources", "image", "env"):
            executor["container"].pop(given, None)
    dags = [core["root"]["dag"], *(each["dag"] for each in core["components"].values() if "dag" in each)]
    for task in (task for dag in dags for task in dag["tasks"].values()):
        task.pop("retryPolicy", None)
        task["inputs"]["parameters"].pop("gpus", None) if task["taskInfo"]["name"] == "train" else None
    return core


def test_every_task_is_given_its_rights():
    for preset in PRESETS:
        assert len(on_kubernetes(preset)) == len(steps(preset)) == len(containers(preset))
        assert {name for name in tasks(preset) if "exit-handler" in name} == {"exit-handler-1"}
