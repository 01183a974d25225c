"""The same pipeline where one node is not enough: training is a TrainJob of Kubeflow Trainer (deploy/training)."""

from kfp import dsl

from components.image import IMAGE
from components.train_job.component import train_job
from pipelines.around_training import Rules, Service, bring_in, from_model_to_service
from pipelines.cluster import with_retries, with_workspace


@dsl.pipeline(
    name="sparseinst-nodes", description="From COCO annotations to a live Triton endpoint, trained on several nodes."
)
def train_on_nodes_to_triton(
    source: str = "s3://data/sample",
    data_version: str = "",
    data_options: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
    config: str = "sparse_inst_r50_giam",
    overrides: list[str] = [],  # noqa: B006, KFP reads it as the parameter's default
    seed: int = 0,
    nodes: int = 2,
    gpus_per_node: int = 8,
    image: str = IMAGE,
    min_ap: float = 0.3,
    gate_policy: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
    force_by: str = "",
    force_why: str = "",
    model_name: str = "sparseinst",
    model_repository: str = "s3://models",
    triton_url: str = "sparseinst-triton-control:8001",
    workspace: str = "/workspace/{run}",
) -> None:
    """Ingests, trains on several nodes, evaluates; and if the model earned its place, exports and deploys it.

    Args:
        source: The annotated images, as `sparseinst ingest` takes them.
        data_version: What the data's version is called, e.g. its DVC hash.
        data_options: Classes, split and filters, as in the pipeline of one node.
        config: The training configuration.
        overrides: Settings over it, each "section.name=value".
        seed: Decides every random choice of the training.
        nodes: How many nodes train.
        gpus_per_node: How many GPUs each of them has.
        image: The image that the nodes run: this project's.
        min_ap: The mask AP on the validation images that the gate asks for, 0 to 1.
        gate_policy: More rules of the gate (docs/gate.md), e.g. {"max_regression": 0.01}.
        force_by: Who deploys the model whatever the gate finds; empty for nobody. It is recorded.
        force_why: Why; needed with `force_by`.
        model_name: The name of the served model.
        model_repository: Triton's model repository, as the steps see it.
        triton_url: Triton's gRPC address for loading models.
        workspace: A folder that every step and every node sees. "{run}" becomes the run's id.
    """
    data = bring_in(source, data_version, data_options, workspace)
    model = train_job(
        dataset=data.outputs["dataset"],
        folder=data.outputs["Output"],
        config=config,
        overrides=overrides,
        seed=seed,
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        image=image,
        nodes=nodes,
        gpus_per_node=gpus_per_node,
    )
    with_retries(with_workspace(model))  # it only launches and waits: GPUs and secrets are the job's own
    rules = Rules(min_ap=min_ap, policy=gate_policy, force_by=force_by, force_why=force_why)
    service = Service(model_name=model_name, model_repository=model_repository, triton_url=triton_url)
    from_model_to_service(data, model, rules, service)
