"""The training step: in one pod, or on several nodes by a TrainJob of Kubeflow Trainer (deploy/training)."""

from __future__ import annotations

from typing import Any

from kfp import dsl
from kfp.dsl import PipelineTask

from components.train.component import train
from components.train_job.component import train_job
from pipelines.platform.images import Images
from pipelines.platform.preset import Preset
from pipelines.platform.rights import STEPS_SECRET, WORKSPACE_CLAIM


def training(preset: Preset, images: Images, **what: Any) -> PipelineTask:
    """The task that trains as `preset` says.

    Args:
        preset: How many nodes, and what each has.
        images: The nodes of a TrainJob run the training image.
        what: dataset, folder, config, overrides, seed and reuse, which both forms of the step take.
    """
    needs = preset.steps["train"]
    if not preset.several_nodes:
        return train(gpus=needs.gpus, **what)
    return train_job(
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        image=images.of(needs),
        nodes=needs.nodes,
        gpus_per_node=needs.gpus,
        cpus_per_node=needs.cpu,
        memory_per_node=needs.memory,
        shared_memory_per_node=needs.shm,
        scratch_per_node=needs.scratch,
        timeout_minutes=needs.timeout_minutes,
        node_selector=dict(needs.node_selector),
        tolerations=needs.manifest_tolerations(),
        workspace_claim=WORKSPACE_CLAIM,
        storage_secret=STEPS_SECRET,
        **what,
    )
