"""Ingest: annotated images from anywhere become this run's dataset directory."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Metrics, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(
    source: str,
    data_version: str,
    options: dict,  # type: ignore[type-arg]  # KFP knows no parameters of it
    workspace: str,
    run_id: str,
    dataset: Output[Dataset],
    report: Output[HTML],
    counts: Output[Metrics],
) -> str:
    """Brings annotated images into a dataset directory, and checks every annotation and every image.

    Args:
        source: A directory, an s3:// address, archives on the web, "coco2017" or "sample".
        data_version: What the data's version is called, e.g. its DVC hash; empty where it has none.
        options: Classes, split and filters as `sparseinst ingest --shape` takes them; and "repair", "strict" and
            "leave_images", each true or false.
        workspace: A folder that every step sees, or s3://bucket/prefix, from where each step copies what it needs;
            "{run}" in it stands for the run's id.
        run_id: The run's id.
        dataset: The dataset's manifest; its metadata says where the images are. The images move by address alone.
        report: The dataset's report, for Kubeflow's page of the run.
        counts: Images, instances and findings, for Kubeflow's comparison of runs.

    Returns:
        The folder of this run, a path or an address, for the steps that follow.
    """
    import shutil

    from sparseinst.data.ingest import ingest as bring_in
    from sparseinst.data.ingest import settings_from
    from sparseinst.steps import step
    from sparseinst.workspace import open_workspace, run_folder

    folder = run_folder(workspace, run_id)
    with step("ingest", folder) as facts:
        place = open_workspace(folder)
        with place.make("dataset", anew=True) as output:
            made = bring_in(source, output, settings_from(options, version=data_version))
        shutil.copyfile(made.location / "manifest.json", dataset.path)
        shutil.copyfile(made.location / "report.html", report.path)
        for name, value in made.numbers().items():
            counts.log_metric(name, value)
        location = place.at("dataset")
        dataset.metadata.update(id=made.manifest["id"], location=location, version=made.version)
        facts.update(dataset=made.manifest["id"], location=location, report=f"{location}/report.html")
    return folder
