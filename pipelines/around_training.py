"""What comes before training and after it, the same in every pipeline."""

from kfp import dsl
from kfp.dsl import PipelineTask

from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.gate.component import gate
from components.ingest.component import ingest
from pipelines.cluster import with_storage, with_workspace


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


def from_model_to_service(
    data: PipelineTask,
    model: PipelineTask,
    min_ap: float,
    model_name: str,
    model_repository: str,
    triton_url: str,
) -> None:
    """The steps after training, which are the same wherever that was."""
    folder = data.outputs["Output"]
    scores = evaluate(dataset=data.outputs["dataset"], model=model.outputs["model"], folder=folder)
    verdict = gate(report=scores.outputs["report"], min_ap=min_ap)
    with dsl.If(verdict.output == "pass", name="earned-its-place"):
        exported = export(
            dataset=data.outputs["dataset"], model=model.outputs["model"], folder=folder, model_name=model_name
        )
        deployed = deploy(
            repository=exported.outputs["repository"], model_repository=model_repository, triton_url=triton_url
        )

    for task in (scores, exported, deployed):
        # Storage for all: images may stay in the bucket, and weights may lie in one.
        with_storage(with_workspace(task))
    deployed.set_caching_options(False)  # the server changes without the run, too
