"""A request becomes a TrainJob (trainer.kubeflow.org/v1alpha1), under a name that a retry of the step finds again.

What the job's nodes see beyond the runtime (volumes, selectors) goes into `runtimePatches`, which took the place of
`podSpecOverrides` in Trainer v2.2. The variables that torchrun needs (PET_NNODES, PET_NODE_RANK, PET_MASTER_ADDR ...)
come from Trainer's torch plugin; environment variables of the container `node` may be set by `trainer.env` only.
Source: github.com/kubeflow/trainer, pkg/apis/trainer/v1alpha1 and pkg/runtime/framework/plugins/{torch,jobset}.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from sparseinst.cluster.request import TrainJobRequest
from sparseinst.files import sha256_of_json
from sparseinst.storage.s3 import VARIABLES
from sparseinst.workspace.scratch import SCRATCH

GROUP, VERSION, PLURAL = "trainer.kubeflow.org", "v1alpha1", "trainjobs"
CONTAINER = "node"  # Trainer's name for the replicated job and for the container that trains
RUN_ID = "sparseinst/run-id"
SPEC_HASH = "sparseinst/spec-sha256"

_PREFIX = "train-"
# A pod is called NAME-node-0-INDEX-xxxxx, and that has to be a host's name: 63 characters for up to 10 000 nodes.
_LONGEST = 63 - len("-node-0-9999-xxxxx")
_SCRATCH_PATH = "/scratch"


def job_name(run_id: str) -> str:
    """The name of the run's job: a DNS label of at most 45 characters, always the same for the same run.

    An id that is a label already (Kubeflow's are UUIDs) stays readable; of any other a hash keeps the name unique.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", run_id.lower()).strip("-")
    room = _LONGEST - len(_PREFIX)
    if slug == run_id and len(slug) <= room:
        return _PREFIX + slug
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:10]
    return _PREFIX + f"{slug[: room - len(digest) - 1].strip('-')}-{digest}".lstrip("-")


def build_manifest(request: TrainJobRequest, namespace: str) -> dict[str, Any]:
    """The TrainJob as the API takes it. The same request gives the same bytes, and their hash is noted in it."""
    spec: dict[str, Any] = {
        "runtimeRef": {"apiGroup": GROUP, "kind": request.runtime_kind, "name": request.runtime},
        "trainer": {
            "image": request.image,
            "command": ["torchrun"],
            "args": _arguments(request),
            "env": _environment(request),
            "numNodes": request.nodes,
            "numProcPerNode": request.ranks_per_node,
            "resourcesPerNode": _resources(request),
        },
        "runtimePatches": [_patch(request)],
    }
    if request.active_deadline_s is not None:
        spec["activeDeadlineSeconds"] = request.active_deadline_s
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": {
            "name": job_name(request.run_id),
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "sparseinst", "app.kubernetes.io/component": "training"},
            "annotations": {RUN_ID: request.run_id, SPEC_HASH: sha256_of_json(spec)},
        },
        "spec": spec,
    }


def _arguments(request: TrainJobRequest) -> list[str]:
    restarts = [f"--max-restarts={request.max_restarts}"] if request.max_restarts else []
    training = ["--data", request.data, "--output", request.output, "--config", request.config]
    for override in request.overrides:
        training += ["--set", override]
    program = ["sparseinst.cluster.node"] if request.is_in_a_bucket else ["sparseinst", "train"]
    # Kubernetes would replace $(NAME) in arguments; $$( is its way to write $(.
    return [*restarts, "-m", *program, *(text.replace("$(", "$$(") for text in training)]


def _environment(request: TrainJobRequest) -> list[dict[str, Any]]:
    secret = request.storage_secret
    keys = VARIABLES if secret else ()
    scratch = [{"name": SCRATCH, "value": _SCRATCH_PATH}] if request.is_in_a_bucket else []
    return [*({"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} for key in keys), *scratch]


def _resources(request: TrainJobRequest) -> dict[str, dict[str, str]]:
    """Requests and limits both name the GPUs: the torch plugin takes a job without requests for one of one rank."""
    firm = {"memory": request.memory_per_node}
    if request.gpus_per_node:
        firm["nvidia.com/gpu"] = str(request.gpus_per_node)
    return {"requests": {"cpu": request.cpus_per_node, **firm}, "limits": firm}


def _sized(limit: str) -> dict[str, str]:
    return {"sizeLimit": limit} if limit else {}


def _patch(request: TrainJobRequest) -> dict[str, Any]:
    if request.is_in_a_bucket:
        place, path = {"name": "scratch", "emptyDir": _sized(request.scratch)}, _SCRATCH_PATH
    else:
        claim = {"claimName": request.workspace_claim}
        place, path = {"name": "workspace", "persistentVolumeClaim": claim}, request.mount_path
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", **_sized(request.shared_memory)}}
    mounts = [{"name": place["name"], "mountPath": path}, {"name": "shm", "mountPath": "/dev/shm"}]
    pod: dict[str, Any] = {
        "volumes": [place, shm],
        "containers": [{"name": CONTAINER, "volumeMounts": mounts}],
    }
    if request.node_selector:
        pod["nodeSelector"] = dict(request.node_selector)
    if request.tolerations:
        pod["tolerations"] = [dict(each) for each in request.tolerations]
    job: Mapping[str, Any] = {"name": CONTAINER, "template": {"spec": {"template": {"spec": pod}}}}
    return {
        "manager": "sparseinst/train-job",
        "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [job]}}},
    }
