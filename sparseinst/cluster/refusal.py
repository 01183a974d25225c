"""What the Kubernetes API's errors mean for the person who has to mend them."""

from __future__ import annotations

import json
import re

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError, SSLError

from sparseinst.errors import TrainingError

ROLE = "sparseinst-steps"  # deploy/steps/rights.yaml

_NO_RIGHT = re.compile(r"cannot \w+ resource")  # as RBAC says it; admission and quotas answer 403 too
_AWAY = frozenset({429, 500, 502, 503, 504})
_GRANT = (
    f"The Role {ROLE!r} and its RoleBinding allow it: `kubectl apply -k deploy/steps -n NAMESPACE`; "
    "the run must have the service account of that name (docs/rights.md)."
)


def is_away(error: Exception) -> bool:
    """Whether the same call may succeed later: nobody answered, or a server that is in trouble did."""
    if isinstance(error, ApiException):
        return error.status in _AWAY
    return isinstance(error, HTTPError | ConnectionError | TimeoutError) and not isinstance(error, SSLError)


def message_of(error: Exception) -> str:
    """What the API says, as one line."""
    text = str(error)
    if isinstance(error, ApiException):
        body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or "")
        try:
            text = str(json.loads(body)["message"])
        except (ValueError, KeyError, TypeError):
            text = body or str(error.reason)
    return " ".join(text.split())


def refusal(error: ApiException, doing: str, namespace: str) -> TrainingError:
    """The error to raise for an answer that will not change by asking again."""
    said, where = message_of(error), f"namespace {namespace}, to {doing}"
    if error.status == 0:  # the client's way to hand on a TLS error
        return TrainingError(
            f"The Kubernetes API cannot be trusted: {said}", where=where, fix="Mend the CA in the kubeconfig."
        )
    if error.status == 401:
        return TrainingError(
            f"The Kubernetes API does not know who asks: {said}",
            where=where,
            fix=f"Renew the kubeconfig's credentials; in a pod, give it a service account and its token. {_GRANT}",
        )
    if error.status == 403 and _NO_RIGHT.search(said):
        return TrainingError(f"The Kubernetes API forbids it: {said}", where=where, fix=_GRANT)
    if error.status == 404 and "namespaces" not in said:
        return TrainingError(
            "Kubeflow Trainer v2 is not installed: the cluster does not know trainer.kubeflow.org/v1alpha1.",
            where=where,
            fix="Install it (v2.3 with JobSet; docs/training_on_nodes.md), or train on one node.",
        )
    if error.status == 400 and "unknown field" in said:
        return TrainingError(
            f"The cluster's Kubeflow Trainer does not know this kind of job: {said}",
            where=where,
            fix="Upgrade it: `runtimePatches` are there since v2.2, `activeDeadlineSeconds` too.",
        )
    return TrainingError(
        f"The Kubernetes API refuses it ({error.status}): {said}",
        where=where,
        fix="Is the runtime there? `kubectl get trainingruntimes,clustertrainingruntimes`; deploy/training brings it.",
    )
