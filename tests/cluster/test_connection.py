"""Where the cluster is, and who we are to it."""

import pytest

from sparseinst.cluster.api import TrainJobApi
from sparseinst.cluster.connection import connect
from sparseinst.errors import TrainingError


def test_a_kubeconfig_tells_the_server_the_credentials_and_the_namespace(kubernetes, cluster):
    assert cluster.namespace == "team"
    assert TrainJobApi(cluster).get("nobody") is None
    assert kubernetes.credentials == {"Bearer secret"}


def test_a_namespace_that_is_given_goes_before(kubernetes, tmp_path):
    environment = {"KUBECONFIG": str(kubernetes.kubeconfig(tmp_path / "kubeconfig"))}
    assert connect("other", environment=environment).namespace == "other"


def test_in_a_pod_the_service_account_is_who_we_are(tmp_path):
    for name, text in {"token": "t0k3n", "ca.crt": "-----BEGIN", "namespace": "kubeflow\n"}.items():
        (tmp_path / name).write_text(text)
    environment = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    cluster = connect(environment=environment, service_account=tmp_path)
    configuration = cluster.client.configuration
    assert cluster.namespace == "kubeflow"
    assert configuration.host == "https://10.0.0.1:443"
    assert configuration.ssl_ca_cert == str(tmp_path / "ca.crt")
    assert configuration.get_api_key_with_prefix("authorization") == "bearer t0k3n"
    assert connect("other", environment=environment, service_account=tmp_path).namespace == "other"


def test_without_an_account_or_a_kubeconfig_both_are_named(tmp_path):
    with pytest.raises(TrainingError, match="no way to the Kubernetes API") as error:
        connect(environment={"KUBECONFIG": str(tmp_path / "none")})
    assert "kubeconfig" in error.value.where
    with pytest.raises(TrainingError, match="no way"):
        connect(environment={"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})
