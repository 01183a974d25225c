"""A retried step and the job that it finds."""

import time
from dataclasses import replace

import pytest

from sparseinst.cluster.launch import run_train_job
from sparseinst.cluster.manifest import build_manifest, job_name
from sparseinst.errors import TrainingError
from tests.cluster.kubernetes import NAMESPACE

NAME = job_name("run-1")


def made(kubernetes):
    """How many jobs were really made: what kmock keeps of the name."""
    return [each for each in kubernetes.asked if each[0] == "POST"]


def test_a_retry_goes_on_with_the_job_that_runs(kubernetes, cluster, request_, waiting, played, told):
    there = kubernetes.put_job(build_manifest(request_, NAMESPACE))

    def controllers():
        kubernetes.wait_for(lambda: any("earlier attempt" in line for line in told))
        assert kubernetes.job(NAME)["metadata"]["uid"] == there["metadata"]["uid"]
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)


def test_a_retry_takes_the_result_of_a_job_that_is_complete_already(kubernetes, cluster, request_, waiting):
    kubernetes.put_job(build_manifest(request_, NAMESPACE))
    kubernetes.finish(NAME, "Complete")
    run_train_job(request_, cluster=cluster, waiting=waiting)
    kubernetes.wait_for(lambda: kubernetes.job(NAME) is None)
    assert len(made(kubernetes)) == 1  # and that was answered by 409


def test_a_retry_replaces_a_job_that_failed(kubernetes, cluster, request_, waiting, played):
    old = kubernetes.put_job(build_manifest(request_, NAMESPACE))
    kubernetes.finish(NAME, "Failed", "FailedJobs")

    def controllers():
        kubernetes.wait_for_job(NAME, other_than=old["metadata"]["uid"])
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)


def test_a_retry_waits_until_the_job_of_a_stopped_attempt_has_saved_and_gone(
    kubernetes, cluster, request_, waiting, played, told
):
    leaving = {"deletionTimestamp": "2026-11-25T00:00:00Z", "finalizers": ["foregroundDeletion"]}
    old = kubernetes.put_job(build_manifest(request_, NAMESPACE), **leaving)

    def controllers():
        time.sleep(0.5)
        kubernetes.collect(NAME)
        kubernetes.wait_for_job(NAME, other_than=old["metadata"]["uid"])
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert len([line for line in told if "waiting until it is gone" in line]) == 1


def test_a_job_of_that_name_that_is_not_ours_is_an_error_and_stays(kubernetes, cluster, request_, waiting):
    kubernetes.put_job({"metadata": {"name": NAME}, "spec": {}})
    with pytest.raises(TrainingError, match="not this run's") as refused:
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert "run-1" in refused.value.where
    assert kubernetes.job(NAME)
    assert not [each for each in kubernetes.asked if each[0] == "DELETE"]


def test_a_job_of_this_run_with_another_specification_is_an_error_and_stays(kubernetes, cluster, request_, waiting):
    kubernetes.put_job(build_manifest(replace(request_, nodes=8), NAMESPACE))
    with pytest.raises(TrainingError, match="another specification") as refused:
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert "run_id of its own" in refused.value.fix
    assert kubernetes.job(NAME)["spec"]["trainer"]["numNodes"] == 8


def test_a_job_that_was_made_though_the_answer_got_lost_is_ours(kubernetes, cluster, request_, waiting, played):
    """The server makes the job and says 500; the next try is answered by 409."""
    lost = []

    def refuse(method, path):
        if method == "POST" and not lost:
            lost.append(kubernetes.put_job(build_manifest(request_, NAMESPACE)))
            return 500, "etcd leader changed"
        return None

    kubernetes.refuse = refuse

    def controllers():
        assert kubernetes.wait_for_job(NAME)["metadata"]["uid"] == lost[0]["metadata"]["uid"]
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
