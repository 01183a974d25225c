"""The pipeline: from annotated images to a served model. One definition for the laptop and for the cluster."""

from kfp import dsl

from components.train.component import train
from pipelines.around_training import Rules, Service, bring_in, from_model_to_service
from pipelines.cluster import with_accelerators, with_retries, with_storage, with_workspace

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
    gate_policy: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
    force_by: str = "",
    force_why: str = "",
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
        gate_policy: More rules of the gate (docs/gate.md), e.g. {"max_regression": 0.01}.
        force_by: Who deploys the model whatever the gate finds; empty for nobody. It is recorded.
        force_why: Why; needed with `force_by`.
        model_name: The name of the served model.
        model_repository: Triton's model repository, as the steps see it.
        triton_url: Triton's gRPC address for loading models.
        workspace: A folder that every step sees. "{run}" becomes the run's id, so that no two runs share a folder.
    """
    data = bring_in(source, data_version, data_options, workspace)
    model = train(
        dataset=data.outputs["dataset"],
        folder=data.outputs["Output"],
        config=config,
        overrides=overrides,
        seed=seed,
        gpus=gpus,
    )
    with_accelerators(with_retries(with_storage(with_workspace(model))), gpus)
    rules = Rules(min_ap=min_ap, policy=gate_policy, force_by=force_by, force_why=force_why)
    service = Service(model_name=model_name, model_repository=model_repository, triton_url=triton_url)
    from_model_to_service(data, model, rules, service)
