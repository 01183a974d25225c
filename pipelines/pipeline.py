"""The pipeline: from annotated images to a served model. One definition for the laptop and for the cluster."""

from kfp import dsl

from components.deploy.component import deploy
from components.evaluate.component import evaluate
from components.export.component import export
from components.gate.component import gate
from components.ingest.component import ingest
from components.train.component import train
from pipelines.cluster import with_accelerators, with_storage, with_workspace

STEPS = ("ingest", "train", "evaluate", "gate", "export", "deploy")


@dsl.pipeline(name="sparseinst", description="From COCO annotations to a live Triton endpoint.")
def train_to_triton(
    source: str = "s3://data/sample",
    data_version: str = "",
    data_options: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
    config: str = "sample",
    overrides: list[str] = [],  # noqa: B006, KFP reads it as the parameter's default
    seed: int = 0,
    gpus: int = 0,
    min_ap: float = 0.5,
    model_name: str = "sparseinst",
    model_repository: str = "s3://models",
    triton_url: str = "sparseinst-triton-control:8001",
    workspace: str = "/workspace/{run}",
) -> None:
    """Ingests, trains, evaluates; and if the model earned its place, exports and deploys it.

    Args:
        source: The annotated images: a directory, an s3:// address, archives on the web, "coco2017" or "sample".
        data_version: What the data's version is called, e.g. its DVC hash: recorded in everything made from it.
        data_options: Classes, split and filters as `sparseinst ingest --shape` takes them; and "repair", "strict" and
            "leave_images".
        config: The training configuration, by name or as a YAML file in the image.
        overrides: Settings over it, each "section.name=value".
        seed: Decides every random choice of the training.
        gpus: How many GPUs the training gets.
        min_ap: The mask AP on the validation images that the gate asks for, 0 to 1.
        model_name: The name of the served model.
        model_repository: Triton's model repository, as the steps see it.
        triton_url: Triton's gRPC address for loading models.
        workspace: A folder that every step sees. "{run}" becomes the run's id, so that no two runs share a folder.
    """
    data = ingest(
        source=source,
        data_version=data_version,
        options=data_options,
        workspace=workspace,
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    )
    folder = data.outputs["Output"]
    model = train(
        dataset=data.outputs["dataset"], folder=folder, config=config, overrides=overrides, seed=seed, gpus=gpus
    )
    scores = evaluate(dataset=data.outputs["dataset"], model=model.outputs["model"], folder=folder)
    verdict = gate(report=scores.outputs["report"], min_ap=min_ap)
    with dsl.If(verdict.output == "pass", name="earned-its-place"):
        exported = export(
            dataset=data.outputs["dataset"], model=model.outputs["model"], folder=folder, model_name=model_name
        )
        deployed = deploy(
            repository=exported.outputs["repository"], model_repository=model_repository, triton_url=triton_url
        )

    for task in (data, model, scores, exported, deployed):
        # Storage for all: images may stay in the bucket, and weights may lie in one.
        with_storage(with_workspace(task))
    for task in (data, deployed):
        # Both reach out of the run, to data and to a server that change without it: an old answer is no answer.
        task.set_caching_options(False)
    with_accelerators(model, gpus)
