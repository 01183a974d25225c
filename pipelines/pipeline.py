"""The pipeline: from annotated images to a served model. One definition for the laptop and for every cluster."""

from collections.abc import Callable
from typing import Any

from kfp import dsl
from kfp.dsl import PipelineTask

from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.finish.component import finish
from components.gate.component import gate
from components.ingest.component import ingest
from pipelines.platform.apply import give
from pipelines.platform.images import Images, images
from pipelines.platform.preset import Preset, load_preset
from pipelines.training import training

STEPS = ("ingest", "train", "evaluate", "gate", "export", "deploy", "finish")


def build(preset: Preset, images: Images) -> Any:
    """The pipeline with what `preset` gives to each step: what kfp's compiler and its local runner take."""

    def given(task: PipelineTask, step: str) -> PipelineTask:
        return give(task, step, preset, images)

    @dsl.pipeline(name="sparseinst", description="From COCO annotations to a live Triton endpoint.")
    def sparseinst(
        source: str = "s3://data/sample",
        data_version: str = "",
        data_options: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
        config: str = "sample",
        overrides: list[str] = [],  # noqa: B006, KFP reads it as the parameter's default
        seed: int = 0,
        reuse: bool = True,
        min_ap: float = 0.5,
        gate_policy: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
        force_by: str = "",
        force_why: str = "",
        model_name: str = "sparseinst",
        model_repository: str = "s3://models",
        triton_url: str = "sparseinst-triton-control:8001",
        client_url: str = "sparseinst-triton:8001",
        workspace: str = "/workspace/{run}",
        run_page: str = "",
    ) -> None:
        """Ingests, trains, evaluates; and if the model earned its place, exports and deploys it.

        Args:
            source: The annotated images: a directory, an s3:// address, archives on the web, "coco2017" or "sample".
            data_version: What the data's version is called, e.g. its DVC hash: recorded in everything made from it.
            data_options: Classes, split and filters as `sparseinst ingest --shape` takes them; and "repair", "strict"
                and "leave_images".
            config: The training configuration, by name or as a YAML file in the image.
            overrides: Settings over it, each "section.name=value".
            seed: Decides every random choice of the training.
            reuse: Take what an earlier run trained of the same data, settings, weights and code, where there is such.
            min_ap: The mask AP on the validation images that the gate asks for, 0 to 1.
            gate_policy: More rules of the gate (docs/gate.md), e.g. {"max_regression": 0.01}.
            force_by: Who deploys the model whatever the gate finds; empty for nobody. It is recorded.
            force_why: Why; needed with `force_by`.
            model_name: The name of the served model.
            model_repository: Triton's model repository, as the steps see it.
            triton_url: Triton's gRPC address for loading models; a name that stands for several servers means all.
            client_url: Triton's gRPC address for clients, for the report of what is served.
            workspace: A folder that every step sees, on the volume or in S3 ("s3://bucket/{run}"). "{run}" becomes
                the run's id, so that no two runs share a folder.
            run_page: The address of Kubeflow's page of a run, for the message at the end; "{run}" becomes its id.
        """
        run_id = dsl.PIPELINE_JOB_ID_PLACEHOLDER
        end = given(finish(workspace=workspace, run_id=run_id, run_page=run_page), "finish")
        with dsl.ExitHandler(end, name="run"):
            data = ingest(
                source=source, data_version=data_version, options=data_options, workspace=workspace, run_id=run_id
            )
            dataset, folder = data.outputs["dataset"], data.outputs["Output"]
            trained = training(
                preset,
                images,
                dataset=dataset,
                folder=folder,
                config=config,
                overrides=overrides,
                seed=seed,
                reuse=reuse,
            )
            model = trained.outputs["model"]
            scores = evaluate(dataset=dataset, model=model, folder=folder)
            verdict = gate(
                dataset=dataset,
                report=scores.outputs["report"],
                folder=folder,
                min_ap=min_ap,
                policy=gate_policy,
                force_by=force_by,
                force_why=force_why,
                model_name=model_name,
                model_repository=model_repository,
                triton_url=triton_url,
            )
            with dsl.If(verdict.outputs["Output"] == "pass", name="earned-its-place"):
                exported = export(dataset=dataset, model=model, folder=folder, model_name=model_name)
                deployed = deploy(
                    repository=exported.outputs["repository"],
                    decision=verdict.outputs["decision"],
                    folder=folder,
                    model_repository=model_repository,
                    triton_url=triton_url,
                    client_url=client_url,
                )
            tasks = (data, trained, scores, verdict, exported, deployed)
            for step, task in zip(STEPS, tasks, strict=False):
                given(task, step)

    return sparseinst


# What the local run runs: on it the preset has no effect but the images of a run in containers.
train_to_triton: Callable[..., Any] = build(load_preset("laptop"), images())
