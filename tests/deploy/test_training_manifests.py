"""The manifests of deploy/training build, follow the schemas of Kubernetes and of Kubeflow Trainer, fit the code."""

import copy
from dataclasses import fields

import pytest

from pipelines.platform.rights import SERVICE_ACCOUNT, STEPS_SECRET, WORKSPACE_CLAIM
from sparseinst.cluster.manifest import CONTAINER, build_manifest
from sparseinst.cluster.refusal import ROLE
from sparseinst.cluster.request import TrainJobRequest
from tests.deploy.crd import unknown_or_wrong
from tests.deploy.policies.network import selects
from tests.deploy.policies.rights import granted
from tests.deploy.rendered import by_name, render

POD = "spec.runtimePatches.0.trainingRuntimeSpec.template.spec.replicatedJobs.0.template.spec.template.spec"
DEFAULTS = {field.name: field.default for field in fields(TrainJobRequest)}


@pytest.fixture
def objects():
    return by_name(render("training"))


@pytest.fixture
def runtime(objects):
    return copy.deepcopy(objects["TrainingRuntime", DEFAULTS["runtime"]])


@pytest.fixture
def job():
    request = TrainJobRequest(
        run_id="r-1",
        image="registry.example/sparseinst:1",
        data="/workspace/r/dataset",
        output="/workspace/r/train",
        config="sparse_inst_r50_giam",
        overrides=["train.lr=1e-4"],
        active_deadline_s=3600,
        node_selector={"gpu": "h100"},
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    )
    return build_manifest(request, "team")


def test_the_runtime_follows_trainers_schema_and_has_no_unknown_field(runtime):
    assert unknown_or_wrong(runtime) == []


def test_the_job_that_the_launcher_makes_follows_trainers_schema_and_has_no_unknown_field(job):
    assert unknown_or_wrong(job) == []


def test_a_job_with_everything_left_at_its_default_follows_it_too():
    request = TrainJobRequest(run_id="r", image="i", data="/d", output="/o", config="c", storage_secret="")
    assert unknown_or_wrong(build_manifest(request, "team")) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.podSpecOverrides", [], "podSpecOverrides"),  # until Trainer v2.1
        ("spec.trainer.numProcPerNode", "auto", "not of type 'integer'"),  # until v2.1
        ("spec.trainer.gpus", 2, "gpus"),
        ("spec.runtimePatches.0.trainingRuntimeSpec.mlPolicy", {}, "mlPolicy"),
        ("spec.activeDeadlineSeconds", 0, "minimum"),
        ("metadata.name", "1-run", "does not match"),
        (f"{POD}.volumes.0", {"nam": "x"}, "nam"),
        (f"{POD}.containers.0.image", "i", "image"),  # only what managers may patch
    ],
)
def test_the_schema_refuses_what_the_cluster_would_refuse(job, path, value, said):
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
    place = job
    for key in parents:
        place = place[key]
    place[last] = value
    assert any(said in found for found in unknown_or_wrong(job))


def test_the_schema_looks_into_the_runtimes_pod_template(runtime):
    (node,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    node["template"]["spec"]["template"]["spec"]["containers"][0]["comand"] = ["sleep"]
    assert any("comand" in found for found in unknown_or_wrong(runtime))


def test_the_job_patches_the_nodes_that_the_runtime_has(runtime, job):
    (node,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    (patch,) = job["spec"]["runtimePatches"]
    (patched,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert node["name"] == patched["name"] == CONTAINER
    assert node["template"]["metadata"]["labels"] == {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    there, wanted = (each["template"]["spec"]["template"]["spec"]["containers"] for each in (node, patched))
    assert [each["name"] for each in there] == [each["name"] for each in wanted]
    assert job["spec"]["runtimeRef"]["name"] == runtime["metadata"]["name"]
    assert job["spec"]["runtimeRef"]["kind"] == runtime["kind"]


def test_trainer_finds_the_runtime_by_its_framework(runtime):
    assert runtime["metadata"]["labels"]["trainer.kubeflow.org/framework"] == "torch"
    assert runtime["spec"]["mlPolicy"]["torch"] == {}


def test_a_preempted_node_starts_all_nodes_anew_and_does_not_count_as_a_failure(runtime):
    spec = runtime["spec"]["template"]["spec"]
    (node,) = spec["replicatedJobs"]
    job = node["template"]["spec"]
    (rule,) = job["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onPodConditions"][0]["type"]) == ("FailJob", "DisruptionTarget")
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # or podFailurePolicy is refused
    assert spec["failurePolicy"]["rules"][0]["onJobFailureReasons"] == ["PodFailurePolicy"]
    assert spec["failurePolicy"]["rules"][0]["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    assert job["template"]["spec"]["terminationGracePeriodSeconds"] >= 60


def test_the_steps_account_gets_what_the_launcher_asks_for_and_kubeflow_itself_and_no_more():
    steps = by_name(render("steps"))
    role, binding = steps["Role", ROLE], steps["RoleBinding", ROLE]
    assert granted(role) == {
        ("argoproj.io", "workflowtaskresults", ""): {"create", "patch"},
        ("", "configmaps", "kfp-launcher"): {"get"},
        ("", "secrets", "mlpipeline-minio-artifact"): {"get"},
        ("trainer.kubeflow.org", "trainjobs", ""): {"create", "get", "delete"},
        ("", "pods", ""): {"get", "list"},
        ("", "pods/log", ""): {"get"},
        ("", "events", ""): {"list"},
    }
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT}]
    assert ("ServiceAccount", SERVICE_ACCOUNT) in steps


def test_the_nodes_speak_to_each_other_and_nobody_else_speaks_to_them(objects, runtime):
    policy = objects["NetworkPolicy", "sparseinst-train-nodes"]["spec"]
    (node,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    labels = node["template"]["spec"]["template"]["metadata"]["labels"]
    assert selects(policy["podSelector"], labels)
    ((peer,),) = [rule["from"] for rule in policy["ingress"]]
    assert peer == {"podSelector": policy["podSelector"]}
    assert "ports" not in policy["egress"][0], "NCCL takes any port"


def test_the_nodes_get_the_pipelines_volume_and_its_secret(job):
    assert DEFAULTS["workspace_claim"] == WORKSPACE_CLAIM
    assert DEFAULTS["storage_secret"] == STEPS_SECRET
    assert {each["valueFrom"]["secretKeyRef"]["name"] for each in job["spec"]["trainer"]["env"]} == {STEPS_SECRET}


def test_the_nodes_run_as_nobody_special_and_ask_the_api_nothing(runtime):
    (node,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    pod = node["template"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
