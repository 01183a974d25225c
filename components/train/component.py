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
) -> None:
    """Trains a model. A step that was stopped and is started again goes on from its last saved state.

    Args:
        dataset: What ingest made.
        folder: The folder of this run.
        config: The name of a configuration, or a YAML file.
        overrides: Settings over it, each "section.name=value".
        seed: Decides every random choice.
        gpus: How many GPUs to train on; 0 takes those that are there, or the CPU.
        model: The checkpoint.
        report: The run's curves, for Kubeflow's page of the run.
        scores: Iterations, time and the best AP, for Kubeflow's comparison of runs.
    """
    import shutil
    from pathlib import Path

    from sparseinst.steps import step
    from sparseinst.training.run import run_training

    with step("train") as facts:
        data, output = Path(dataset.metadata["location"]), Path(folder) / "train"
        made = run_training(data, output, config, [*overrides, f"train.seed={seed}"], ranks=gpus or None)
        shutil.copyfile(made.checkpoint, model.path)
        shutil.copyfile(made.report, report.path)
        for name, value in made.numbers().items():
            scores.log_metric(name, value)
        facts.update(checkpoint=str(made.checkpoint), iterations=made.iterations, report=str(made.report))
