"""The pipeline's version in Kubeflow. What was uploaded once is found again by its content, and not uploaded twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp_server_api

from pipelines.submit.compiled import content_hash
from pipelines.submit.kubeflow import Kubeflow, by_name

PIPELINE = "sparseinst"
_DESCRIPTION = "From COCO annotations to a live Triton endpoint."


@dataclass(frozen=True, slots=True)
class Version:
    pipeline_id: str
    version_id: str
    name: str
    is_new: bool


def ensure_version(kubeflow: Kubeflow, compiled: Path, preset: str, commit: str) -> Version:
    """The version with the content of this file. It is uploaded, and the pipeline made, where there is none.

    Its name is the preset's, the content's hash and the commit: gpu8-3f9a1c2b4d5e-b0c4813.

    Raises:
        ClusterError: Kubeflow refused.
    """
    pipeline = _pipeline(kubeflow)
    stem = re.sub(r"[^a-z0-9-]+", "-", f"{preset}-{content_hash(compiled)}".lower())
    if found := _version(kubeflow, pipeline.pipeline_id, stem):
        return Version(pipeline.pipeline_id, found.pipeline_version_id, found.display_name, is_new=False)
    name = f"{stem}-{commit}" if commit else stem
    made = kubeflow.ask(
        "upload the pipeline",
        lambda sdk: sdk.upload_pipeline_version(
            str(compiled), pipeline_version_name=name, pipeline_id=pipeline.pipeline_id, description=_DESCRIPTION
        ),
    )
    return Version(pipeline.pipeline_id, made.pipeline_version_id, name, is_new=True)


def _pipeline(kubeflow: Kubeflow) -> Any:
    def page(sdk: Any, **at: Any) -> Any:
        return sdk.list_pipelines(filter=by_name("EQUALS", PIPELINE), namespace=kubeflow.namespace, **at)

    for found in kubeflow.every("look for the pipeline", "pipelines", page):
        if found.display_name == PIPELINE:  # the API's EQUALS does not see the case of letters
            return found
    wanted = kfp_server_api.V2beta1Pipeline(
        name=PIPELINE, display_name=PIPELINE, description=_DESCRIPTION, namespace=kubeflow.namespace
    )
    # The SDK's own upload_pipeline would also make a version, and name it like the pipeline.
    return kubeflow.ask(
        "make the pipeline", lambda sdk: sdk.pipelines.pipeline_service_create_pipeline(pipeline=wanted)
    )


def _version(kubeflow: Kubeflow, pipeline_id: str, stem: str) -> Any:
    def page(sdk: Any, **at: Any) -> Any:
        return sdk.list_pipeline_versions(pipeline_id, filter=by_name("IS_SUBSTRING", stem), **at)

    found = kubeflow.every("look for the pipeline's version", "pipeline_versions", page)
    return next((version for version in found if version.display_name.startswith(stem)), None)
