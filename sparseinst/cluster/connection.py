"""Where the Kubernetes API is, and who we are to it: in a pod by its service account, elsewhere by a kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config
from kubernetes.config.incluster_config import InClusterConfigLoader

from sparseinst.errors import TrainingError

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Cluster:
    client: ApiClient
    namespace: str


def connect(
    namespace: str = "",
    *,
    environment: Mapping[str, str] = os.environ,
    service_account: Path = _SERVICE_ACCOUNT,
) -> Cluster:
    """Reads how to reach the API; asks it nothing yet.

    Args:
        namespace: Where jobs go; by default the pod's own, or that of the kubeconfig's context, or "default".

    Raises:
        TrainingError: There is neither a service account nor a kubeconfig.
    """
    configuration = Configuration()
    # We ask again ourselves, for longer and with a word about it.
    configuration.retries = False
    try:
        if "KUBERNETES_SERVICE_HOST" in environment:
            InClusterConfigLoader(
                token_filename=str(service_account / "token"),
                cert_filename=str(service_account / "ca.crt"),
                environ=environment,
            ).load_and_set(configuration)
            own = service_account / "namespace"
            found = own.read_text(encoding="utf-8").strip() if own.is_file() else ""
        else:
            file = environment.get("KUBECONFIG")
            load_kube_config(config_file=file, client_configuration=configuration)
            _, active = list_kube_config_contexts(config_file=file)
            found = active["context"].get("namespace", "")
    except ConfigException as error:
        raise TrainingError(
            f"There is no way to the Kubernetes API: {error}",
            where="the pod's service account, or the kubeconfig that KUBECONFIG or ~/.kube/config names",
            fix="Run it as a pipeline step, or give it a kubeconfig.",
        ) from error
    return Cluster(ApiClient(configuration), namespace or found or "default")
