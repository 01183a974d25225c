"""Evaluate: a checkpoint and a dataset become the 12 COCO numbers, a page to look at, and what the gate judges by."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Input, Markdown, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    dataset: Input[Dataset],
    model: Input[Model],
    folder: str,
    scores: Output[Metrics],
    confusion: Output[ClassificationMetrics],
    report: Output[Artifact],
    pictures: Output[HTML],
    summary: Output[Markdown],
) -> None:
    """Computes the COCO mask metrics on the validation images, and finds out what lies behind them.

    Args:
        dataset: What ingest made.
        model: The checkpoint.
        folder: The folder of this run, a path or an address.
        scores: The 12 numbers that are defined (0 to 1), latencies in milliseconds and images per second, for
            Kubeflow's comparison of runs.
        confusion: Which classes are taken for which, at IoU 0.5 and the best score threshold.
        report: A folder with metrics.json and matches.npz, for comparisons; its metadata says where all of the
            evaluation is.
        pictures: report.html, the whole evaluation to look at, for Kubeflow's page of the run.
        summary: What stands out, in a few lines.
    """
    import shutil
    from pathlib import Path

    from sparseinst.evaluation.evaluate import evaluate as measure
    from sparseinst.evaluation.report.summary import evaluation_summary, logged
    from sparseinst.log import get_logger
    from sparseinst.pages.page import write_page
    from sparseinst.steps import step
    from sparseinst.workspace import fetch, open_workspace

    with step("evaluate", folder) as facts:
        place = open_workspace(folder)
        with place.make("evaluate") as output:
            metrics = measure(fetch(dataset.metadata["location"]), "val", model.path, output)
        for name, value in logged(metrics).items():
            scores.log_metric(name, value)
        if metrics.get("confusion"):
            confusion.log_confusion_matrix(metrics["confusion"]["names"], metrics["confusion"]["counts"])
        Path(report.path).mkdir(parents=True, exist_ok=True)
        for file in ("metrics.json", "matches.npz"):
            shutil.copyfile(output / file, Path(report.path) / file)
        shutil.copyfile(output / "report.html", pictures.path)
        write_page(Path(summary.path), evaluation_summary(metrics))
        location = place.at("evaluate")
        report.metadata.update(location=location)
        get_logger("evaluate").info("AP %s, AP50 %s; report: %s/report.html", metrics["AP"], metrics["AP50"], location)
        facts.update(AP=metrics["AP"], AP50=metrics["AP50"])
        facts.update(pictures=f"{location}/overlays.jpg", report=f"{location}/report.html")
