"""What a step gets on a cluster. The local run ignores all of it: there a folder and the environment do the same."""

from __future__ import annotations

from kfp import kubernetes
from kfp.dsl import PipelineTask

from sparseinst.serving.key import KEY_VARIABLE

# Made by the cluster's owner; docs/operations.md shows how.
WORKSPACE_CLAIM = "sparseinst-workspace"
STORAGE_SECRET = "sparseinst-s3"
TRITON_SECRET = "sparseinst-triton-key"

_MOUNT = "/workspace"
_STORAGE_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")


def with_workspace(task: PipelineTask) -> PipelineTask:
    """Mounts the volume that holds the runs' folders."""
    return kubernetes.mount_pvc(task, pvc_name=WORKSPACE_CLAIM, mount_path=_MOUNT)


def with_storage(task: PipelineTask) -> PipelineTask:
    """Gives the S3 endpoint and its credentials as environment variables."""
    return kubernetes.use_secret_as_env(task, STORAGE_SECRET, {key: key for key in _STORAGE_KEYS})


def with_triton_key(task: PipelineTask) -> PipelineTask:
    """Gives the key without which Triton loads no model; a server that wants none needs no secret."""
    return kubernetes.use_secret_as_env(task, TRITON_SECRET, {KEY_VARIABLE: KEY_VARIABLE}, optional=True)


def with_retries(task: PipelineTask) -> PipelineTask:
    """Starts the step again when its pod is gone: training goes on from its last saved state."""
    return task.set_retry(num_retries=10, backoff_duration="60s", backoff_factor=1.5, backoff_max_duration="900s")


def with_accelerators(task: PipelineTask, gpus: int) -> PipelineTask:
    """Asks for GPUs, and for shared memory that data loading workers need: a pod's default is 64 MB."""
    task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(gpus)
    return kubernetes.empty_dir_mount(task, "shm", mount_path="/dev/shm", medium="Memory", size_limit="8Gi")
