"""Train: a dataset and a configuration become a checkpoint."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    dataset: Input[Dataset],
    folder: str,
    config: str,
    overrides: list[str],
    seed: int,
    gpus: int,
    model: Output[Model],
    report: Output[HTML],
    scores: Output[Metrics],
    reuse: bool = True,
) -> None:
    """Trains a model. A step that was stopped and is started again goes on from its last saved state, on any machine.

    SIGTERM saves the state and ends the step with exit code 75. Where nobody waits for that, as in Kubeflow's pods,
    the state of every `train.checkpoint_every` iterations is what a next attempt goes on from.

    Args:
        dataset: What ingest made.
        folder: The folder of this run, a path or an address.
        config: The name of a configuration, or a YAML file.
        overrides: Settings over it, each "section.name=value".
        seed: Decides every random choice.
        gpus: How many GPUs to train on; 0 takes those that are there, or the CPU.
        model: The checkpoint; its metadata says where the rest of the training is.
        report: The run's curves, for Kubeflow's page of the run.
        reuse: Take what an earlier run trained of the same data, settings, weights and code, if that is still there.
        scores: Iterations, minutes of training and the best AP (0 to 1), for Kubeflow's comparison of runs.
    """
    import shutil

    from sparseinst.steps import step
    from sparseinst.workspace import open_workspace
    from sparseinst.workspace.training import train_once

    with step("train", folder) as facts:
        place, settings = open_workspace(folder), [*overrides, f"train.seed={seed}"]
        made = train_once(place, "train", dataset.metadata, config, settings, ranks=gpus or None, reuse=reuse)
        shutil.copyfile(made.checkpoint, model.path)
        shutil.copyfile(made.report, report.path)
        for name, value in made.numbers().items():
            scores.log_metric(name, value)
        location = place.at("train")
        model.metadata.update(location=location)
        facts.update(checkpoint=f"{location}/{made.checkpoint.name}", report=f"{location}/{made.report.name}")
        facts.update(made.numbers())
