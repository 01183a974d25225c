"""The one place where a task of the pipeline is given what a cluster has for it.

The local run ignores nearly all of it: there this machine and its environment take its place.
"""

from __future__ import annotations

from kfp import kubernetes
from kfp.dsl import PipelineTask

from pipelines.platform.images import Images
from pipelines.platform.needs import StepNeeds
from pipelines.platform.preset import Preset
from pipelines.platform.rights import KEYS, NEVER_CACHED, OPTIONAL, SECRETS, WORKSPACE_CLAIM
from sparseinst.workspace.scratch import SCRATCH

MOUNT = "/workspace"
SCRATCH_MOUNT = "/scratch"
_BACKOFF_FACTOR = 2.0
_BACKOFF_MOST = "1800s"


def give(task: PipelineTask, step: str, preset: Preset, images: Images) -> PipelineTask:
    """Gives the task of `step` its image, resources, place, patience, folders and secrets; returns the task."""
    needs = preset.pod_of(step)
    task.set_container_image(images.of(needs))
    task.set_caching_options(step not in NEVER_CACHED)
    _label(task, step)
    _resources(task, needs)
    _place(task, needs)
    _patience(task, needs)
    _folders(task, needs, preset)
    _secrets(task, step)
    return task


def _label(task: PipelineTask, step: str) -> None:
    """By these labels network policies and people find the pods of a step."""
    kubernetes.add_pod_label(task, "app.kubernetes.io/part-of", "sparseinst")
    kubernetes.add_pod_label(task, "app.kubernetes.io/component", step)


def _resources(task: PipelineTask, needs: StepNeeds) -> None:
    task.set_cpu_request(needs.cpu).set_memory_request(needs.memory).set_memory_limit(needs.memory)
    if needs.gpus:
        task.set_accelerator_type(needs.accelerator).set_accelerator_limit(needs.gpus)
    if needs.shm:  # a pod's own 64 MB are too little for processes that hand images on
        kubernetes.empty_dir_mount(task, "shm", mount_path="/dev/shm", medium="Memory", size_limit=needs.shm)


def _place(task: PipelineTask, needs: StepNeeds) -> None:
    # The image's user is a number, so a cluster can see that it is not root; OpenShift puts another in its place.
    kubernetes.set_security_context(task, run_as_non_root=True)
    for label, value in needs.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in needs.tolerations:
        kubernetes.add_toleration(
            task, toleration.key, toleration.operator, toleration.value or None, toleration.effect or None
        )


def _patience(task: PipelineTask, needs: StepNeeds) -> None:
    if needs.retries:
        task.set_retry(needs.retries, f"{needs.backoff_s}s", _BACKOFF_FACTOR, _BACKOFF_MOST)
    if needs.timeout_minutes:
        kubernetes.set_timeout(task, 60 * needs.timeout_minutes)


def _folders(task: PipelineTask, needs: StepNeeds, preset: Preset) -> None:
    if preset.workspace.startswith(MOUNT):
        kubernetes.mount_pvc(task, pvc_name=WORKSPACE_CLAIM, mount_path=MOUNT)
    if needs.scratch:
        kubernetes.empty_dir_mount(task, "scratch", mount_path=SCRATCH_MOUNT, size_limit=needs.scratch)
        task.set_env_variable(SCRATCH, SCRATCH_MOUNT)


def _secrets(task: PipelineTask, step: str) -> None:
    for secret in SECRETS[step]:
        kubernetes.use_secret_as_env(task, secret, {key: key for key in KEYS[secret]}, optional=secret in OPTIONAL)
