"""Train on several nodes: what train does on one, by a TrainJob of Kubeflow Trainer."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_job(
    dataset: Input[Dataset],
    folder: str,
    config: str,
    overrides: list[str],
    seed: int,
    run_id: str,
    image: str,
    nodes: int,
    gpus_per_node: int,
    model: Output[Model],
    report: Output[HTML],
    scores: Output[Metrics],
    cpus_per_node: str = "4",
    memory_per_node: str = "16Gi",
    shared_memory_per_node: str = "8Gi",
    timeout_minutes: int = 0,
    runtime: str = "sparseinst-torch",
    workspace_claim: str = "sparseinst-workspace",
    storage_secret: str = "sparseinst-s3-steps",
    namespace: str = "",
    keep_job: bool = False,
    node_selector: dict = {},  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
    tolerations: list = [],  # type: ignore[type-arg]  # noqa: B006, KFP reads it as the parameter's default
    scratch_per_node: str = "",
    reuse: bool = True,
) -> None:
    """Trains a model on the nodes of a cluster. A step that was stopped and is started again goes on where it was.

    Args:
        dataset: What ingest made, on a volume that the nodes mount too, or in a bucket.
        folder: The folder of this run, on that volume or in a bucket: then each node fetches the data to its own disk,
            saved states go to the bucket while it trains, and the rest from the node of rank 0 at the end.
        config: The name of a configuration, or a YAML file.
        overrides: Settings over it, each "section.name=value".
        seed: Decides every random choice.
        run_id: The run's id: it names the job, so that a retry finds it. A second training of a run needs another one.
        image: The image that the nodes run, e.g. the one of this step.
        nodes: How many nodes.
        gpus_per_node: How many GPUs each has, and ranks with them; 0 trains with one rank per node on its CPUs.
        model: The checkpoint; its metadata says where the rest of the training is.
        report: The run's curves, for Kubeflow's page of the run.
        scores: Iterations, minutes of training and the best AP (0 to 1), for Kubeflow's comparison of runs.
        cpus_per_node: CPUs that each node asks for.
        memory_per_node: Memory that each node gets, as Kubernetes writes it.
        shared_memory_per_node: Its /dev/shm, for processes that load data; it counts as memory.
        timeout_minutes: Ends the job when it is not complete by then; 0 waits without end.
        runtime: The TrainingRuntime of the namespace, see deploy/training.
        workspace_claim: The claim of that volume. It is mounted at /workspace, as in the pipeline's steps; not where
            the run's folder is in a bucket.
        storage_secret: The secret with the S3 credentials; empty for none.
        namespace: Where the job goes; by default this step's own.
        keep_job: Leaves the job there when it has ended, to look at it.
        node_selector: Labels that the nodes must have.
        tolerations: Taints that the pods put up with, each as Kubernetes writes it.
        reuse: Take what an earlier run trained of the same data, settings, weights and code, if that is still there.
        scratch_per_node: The most that copies from the bucket may take of a node's disk; empty sets no limit.
    """
    import shutil

    from sparseinst.cluster.connection import connect
    from sparseinst.cluster.launch import Waiting, run_train_job
    from sparseinst.cluster.request import TrainJobRequest
    from sparseinst.cluster.result import read_result
    from sparseinst.steps import step
    from sparseinst.workspace import open_workspace
    from sparseinst.workspace.earlier import make_once, training_key
    from sparseinst.workspace.training import APART

    with step("train", folder) as facts:
        place, settings = open_workspace(folder), [*overrides, f"train.seed={seed}"]
        output, limit_s = place.at("train"), 60 * timeout_minutes or None
        key = training_key(dataset.metadata.get("id", ""), config, settings) if reuse else ""
        request = TrainJobRequest(
            run_id=run_id,
            image=image,
            data=dataset.metadata["location"],
            output=output,
            config=config,
            overrides=settings,
            nodes=nodes,
            gpus_per_node=gpus_per_node,
            cpus_per_node=cpus_per_node,
            memory_per_node=memory_per_node,
            shared_memory=shared_memory_per_node,
            node_selector=node_selector,
            tolerations=tolerations,
            scratch=scratch_per_node,
            runtime=runtime,
            workspace_claim=workspace_claim,
            storage_secret=storage_secret,
            active_deadline_s=limit_s,
        )
        waiting = Waiting(timeout_s=limit_s, keep=keep_job)
        make_once(
            place, "train", key, APART, lambda: run_train_job(request, cluster=connect(namespace), waiting=waiting)
        )
        made = read_result(output)
        shutil.copyfile(made.checkpoint, model.path)
        shutil.copyfile(made.report, report.path)
        for name, value in made.numbers().items():
            scores.log_metric(name, value)
        model.metadata.update(location=output)
        facts.update(checkpoint=f"{output}/{made.checkpoint.name}", report=f"{output}/{made.report.name}")
        facts.update(made.numbers())
