"""What comes before training and after it, the same in every pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from kfp import dsl
from kfp.dsl import PipelineTask

from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.gate.component import gate
from components.ingest.component import ingest
from pipelines.cluster import with_storage, with_triton_key, with_workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the gate asks for, and who goes over it: parameters of the pipeline."""

    min_ap: float
    policy: dict  # type: ignore[type-arg]  # KFP knows no parameters of it
    force_by: str
    force_why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Where the model serves, or will: parameters of the pipeline."""

    model_name: str
    model_repository: str
    triton_url: str


def bring_in(source: str, data_version: str, data_options: dict, workspace: str) -> PipelineTask:  # type: ignore[type-arg]
    """The first step of every pipeline."""
    data = ingest(
        source=source,
        data_version=data_version,
        options=data_options,
        workspace=workspace,
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    )
    # It reaches out of the run, to data that change without it: an old answer is no answer.
    with_storage(with_workspace(data)).set_caching_options(False)
    return data


def from_model_to_service(data: PipelineTask, model: PipelineTask, rules: Rules, service: Service) -> None:
    """The steps after training, which are the same wherever that was."""
    folder = data.outputs["Output"]
    scores = evaluate(dataset=data.outputs["dataset"], model=model.outputs["model"], folder=folder)
    verdict = gate(
        dataset=data.outputs["dataset"],
        report=scores.outputs["report"],
        folder=folder,
        min_ap=rules.min_ap,
        policy=rules.policy,
        force_by=rules.force_by,
        force_why=rules.force_why,
        model_name=service.model_name,
        model_repository=service.model_repository,
        triton_url=service.triton_url,
    )
    with dsl.If(verdict.outputs["Output"] == "pass", name="earned-its-place"):
        exported = export(
            dataset=data.outputs["dataset"],
            model=model.outputs["model"],
            folder=folder,
            model_name=service.model_name,
        )
        deployed = deploy(
            repository=exported.outputs["repository"],
            decision=verdict.outputs["decision"],
            folder=folder,
            model_repository=service.model_repository,
            triton_url=service.triton_url,
        )

    for task in (scores, verdict, exported, deployed):
        # Storage for all: images may stay in the bucket, and weights may lie in one.
        with_storage(with_workspace(task))
    for task in (verdict, deployed):
        with_triton_key(task).set_caching_options(False)  # the server changes without the run, too
