"""What the cluster refuses, told to the person who can mend it."""

import pytest

from sparseinst.cluster.api import TrainJobApi
from sparseinst.cluster.launch import run_train_job
from sparseinst.cluster.manifest import build_manifest, job_name
from sparseinst.errors import TrainingError
from tests.cluster.kubernetes import NAMESPACE

FORBIDDEN = (
    'trainjobs.trainer.kubeflow.org is forbidden: User "system:serviceaccount:team:pipeline-runner" cannot create '
    'resource "trainjobs" in API group "trainer.kubeflow.org" in the namespace "team"'
)
NO_LOG = 'pods "p" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "team"'
DENIED = 'admission webhook "validator.trainjob" denied the request: it cannot be: TrainingRuntime not found'


def refused(cluster, request_, waiting):
    with pytest.raises(TrainingError) as error:
        run_train_job(request_, cluster=cluster, waiting=waiting)
    return error.value


def test_a_missing_right_names_the_role_that_gives_it(kubernetes, cluster, request_, waiting):
    kubernetes.refuse = lambda method, path: (403, FORBIDDEN)
    error = refused(cluster, request_, waiting)
    assert 'cannot create resource "trainjobs"' in error.problem
    assert "sparseinst-steps" in error.fix
    assert "kubectl apply -k deploy/steps" in error.fix
    assert len(kubernetes.asked) == 1  # asking again would not help


def test_a_caller_that_nobody_knows_is_told_about_the_account_and_the_role(kubernetes, cluster, request_, waiting):
    kubernetes.refuse = lambda method, path: (401, "Unauthorized")
    error = refused(cluster, request_, waiting)
    assert "does not know who asks" in error.problem
    assert "sparseinst-steps" in error.fix


def test_what_admission_denies_is_not_taken_for_a_missing_right(kubernetes, cluster, request_, waiting):
    kubernetes.refuse = lambda method, path: (403, DENIED)
    error = refused(cluster, request_, waiting)
    assert "TrainingRuntime not found" in error.problem
    assert "runtime" in error.fix
    assert "RoleBinding" not in error.fix


def test_a_cluster_without_trainer_is_told_so(kubernetes, cluster, request_, waiting):
    kubernetes.refuse = lambda method, path: (404, "404 page not found") if "trainer.kubeflow.org" in path else None
    error = refused(cluster, request_, waiting)
    assert "Kubeflow Trainer v2 is not installed" in error.problem


def test_a_namespace_that_is_not_there_is_not_taken_for_a_missing_trainer(kubernetes, cluster, request_, waiting):
    kubernetes.refuse = lambda method, path: (404, 'namespaces "team" not found')
    assert 'namespaces "team" not found' in refused(cluster, request_, waiting).problem


def test_a_field_that_the_cluster_does_not_know_is_an_error_and_not_dropped(kubernetes, cluster, request_):
    manifest = build_manifest(request_, NAMESPACE)
    manifest["spec"]["podSpecOverrides"] = []
    with pytest.raises(Exception, match="strict decoding error"):
        TrainJobApi(cluster).create(manifest)
    assert kubernetes.job(job_name("run-1")) is None


def test_an_older_trainer_is_told_apart(kubernetes, cluster, request_, waiting):
    kubernetes.refuse = lambda method, path: (400, 'strict decoding error: unknown field "spec.runtimePatches"')
    assert "v2.2" in refused(cluster, request_, waiting).fix


def test_a_log_that_may_not_be_read_is_told_once_and_the_training_goes_on(
    kubernetes, cluster, request_, waiting, played, told
):
    kubernetes.refuse = lambda method, path: (403, NO_LOG) if "/log" in path else None

    def controllers():
        kubernetes.wait_for_job(job_name("run-1"))
        zero, _ = kubernetes.add_pods(job_name("run-1"), 2)
        kubernetes.wait_for(lambda: any("cannot be read" in line for line in told))
        kubernetes.end_pod(zero)
        kubernetes.finish(job_name("run-1"), "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    (line,) = [line for line in told if "cannot be read" in line]
    assert "sparseinst-steps" in line
