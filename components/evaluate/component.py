"""Evaluate: a checkpoint and a dataset become the 12 COCO numbers and pictures."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    dataset: Input[Dataset],
    model: Input[Model],
    folder: str,
    scores: Output[Metrics],
    report: Output[Artifact],
    pictures: Output[HTML],
) -> None:
    """Computes the COCO mask metrics on the validation images.

    Args:
        dataset: What ingest made.
        model: The checkpoint.
        folder: The folder of this run.
        scores: The numbers, for Kubeflow's comparison of runs.
        report: metrics.json, for the gate.
        pictures: The truth beside the predictions, for Kubeflow's page of the run.
    """
    import base64
    import shutil
    from pathlib import Path

    from sparseinst.evaluation.evaluate import evaluate as measure
    from sparseinst.log import get_logger
    from sparseinst.steps import step

    with step("evaluate") as facts:
        output = Path(folder) / "evaluate"
        metrics = measure(Path(dataset.metadata["location"]), "val", model.path, output)
        for name in ("AP", "AP50", "AP75"):
            if metrics[name] is not None:
                scores.log_metric(name, metrics[name])
        shutil.copyfile(output / "metrics.json", report.path)
        sheet = base64.b64encode((output / "overlays.jpg").read_bytes()).decode()
        Path(pictures.path).write_text(f'<img style="max-width:100%" src="data:image/jpeg;base64,{sheet}">')
        get_logger("evaluate").info(
            "AP %s, AP50 %s; pictures: %s", metrics["AP"], metrics["AP50"], output / "overlays.jpg"
        )
        facts.update(AP=metrics["AP"], AP50=metrics["AP50"], pictures=str(output / "overlays.jpg"))
