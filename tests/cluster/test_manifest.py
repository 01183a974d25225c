"""The job that is asked for."""

import re
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sparseinst.cluster.manifest import SPEC_HASH, build_manifest, job_name
from sparseinst.errors import ConfigError

UUID = "0b2f5f6e-6a53-4c0e-9d1f-4a4b1c0d9e77"


def test_a_kubeflow_runs_id_stays_readable_in_the_name():
    assert job_name(UUID) == f"train-{UUID}"


@given(st.text(min_size=1, max_size=200))
def test_every_run_id_gives_a_name_that_leaves_room_for_a_pods_host_name(run_id):
    name = job_name(run_id)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(f"{name}-node-0-9999-abcde") <= 63
    assert job_name(run_id) == name


@given(st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=2, unique=True))
def test_different_runs_never_share_a_name(run_ids):
    one, other = map(job_name, run_ids)
    assert one != other


def test_ids_that_differ_only_in_what_a_name_cannot_hold_get_different_names():
    assert len({job_name(each) for each in ("run_1", "run.1", "run-1", "Run-1", "run 1", "-run-1")}) == 6


def test_the_nodes_run_the_training_under_torchrun(request_):
    trainer = build_manifest(replace(request_, overrides=["train.lr=1e-4", "train.seed=3"]), "team")["spec"]["trainer"]
    assert trainer["command"] == ["torchrun"]
    assert trainer["args"] == [
        *("-m", "sparseinst", "train", "--data", "/workspace/run-1/dataset", "--output", "/workspace/run-1/train"),
        *("--config", "quick", "--set", "train.lr=1e-4", "--set", "train.seed=3"),
    ]


def test_the_command_line_is_one_that_the_training_takes(request_):
    from sparseinst.cli.train import command

    arguments = build_manifest(replace(request_, overrides=["a.b=c"]), "team")["spec"]["trainer"]["args"]
    found = command.make_context("train", list(arguments[3:])).params
    assert found["overrides"] == ("a.b=c",)
    assert str(found["output"]) == request_.output


def test_what_kubernetes_would_replace_in_an_argument_stays_as_it_is(request_):
    arguments = build_manifest(replace(request_, overrides=["a.b=$(HOME)"]), "team")["spec"]["trainer"]["args"]
    assert arguments[-1] == "a.b=$$(HOME)"


def test_gpus_are_asked_for_and_each_has_a_rank(request_):
    trainer = build_manifest(replace(request_, nodes=3, gpus_per_node=8), "team")["spec"]["trainer"]
    assert (trainer["numNodes"], trainer["numProcPerNode"]) == (3, 8)
    assert trainer["resourcesPerNode"]["requests"]["nvidia.com/gpu"] == "8"
    assert trainer["resourcesPerNode"]["limits"]["nvidia.com/gpu"] == "8"


def test_without_gpus_each_node_has_one_rank_and_asks_for_none(request_):
    trainer = build_manifest(replace(request_, gpus_per_node=0), "team")["spec"]["trainer"]
    assert trainer["numProcPerNode"] == 1
    assert "nvidia.com/gpu" not in str(trainer["resourcesPerNode"])


def test_torchruns_own_variables_are_left_to_trainer(request_):
    names = {each["name"] for each in build_manifest(request_, "team")["spec"]["trainer"]["env"]}
    assert not [name for name in names if name.startswith("PET_")]


def test_the_volume_and_the_shared_memory_are_mounted_where_the_training_trains(request_):
    (patch,) = build_manifest(request_, "team")["spec"]["runtimePatches"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    assert {each["mountPath"] for each in pod["containers"][0]["volumeMounts"]} == {"/workspace", "/dev/shm"}
    assert "env" not in pod["containers"][0]  # Trainer refuses it for this container


def test_the_same_request_has_the_same_hash_and_another_one_another(request_):
    one, same, other = (
        build_manifest(each, "team")["metadata"]["annotations"][SPEC_HASH]
        for each in (request_, replace(request_), replace(request_, config="sample"))
    )
    assert one == same != other


def test_restarts_inside_the_pod_are_for_one_node(request_):
    alone = build_manifest(replace(request_, nodes=1, max_restarts=2), "team")["spec"]["trainer"]["args"]
    assert alone[:2] == ["--max-restarts=2", "-m"]
    with pytest.raises(ConfigError, match="in step"):
        replace(request_, nodes=2, max_restarts=2)


@pytest.mark.parametrize(
    "wrong", [{"nodes": 0}, {"gpus_per_node": -1}, {"run_id": " "}, {"active_deadline_s": 0}, {"max_restarts": -1}]
)
def test_what_cannot_be_meant_is_refused_before_the_cluster_is_asked(request_, wrong):
    with pytest.raises(ConfigError):
        replace(request_, **wrong)


def test_without_a_volume_the_nodes_copy_from_and_to_the_bucket_by_a_disk_of_their_own(request_):
    places = {"data": "s3://scratch/run-1/dataset", "output": "s3://scratch/run-1/train"}
    spec = build_manifest(replace(request_, **places, scratch="50Gi"), "team")["spec"]
    assert spec["trainer"]["args"][:6] == [
        *("-m", "sparseinst.cluster.node", "--data", "s3://scratch/run-1/dataset"),
        *("--output", "s3://scratch/run-1/train"),
    ]
    (job,) = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    assert pod["volumes"][0] == {"name": "scratch", "emptyDir": {"sizeLimit": "50Gi"}}
    (mount, _) = pod["containers"][0]["volumeMounts"]
    assert {"name": "SPARSEINST_SCRATCH", "value": mount["mountPath"]} in spec["trainer"]["env"]
    assert "persistentVolumeClaim" not in str(pod)


@pytest.mark.parametrize("place", ["data", "output"])
def test_data_and_output_in_different_worlds_are_refused_before_anything_starts(request_, place):
    with pytest.raises(ConfigError) as refused:
        replace(request_, **{place: "s3://scratch/run-1/x"})
    assert "different worlds" in refused.value.problem
    assert refused.value.fix
