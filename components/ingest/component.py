"""Ingest: annotated images from anywhere become this run's dataset directory."""

from kfp import dsl
from kfp.dsl import Dataset, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(source: str, workspace: str, run_id: str, dataset: Output[Dataset]) -> str:
    """Brings annotated images into a dataset directory and checks them.

    Args:
        source: A directory, an s3:// address, or "sample".
        workspace: A folder that every step sees; "{run}" in it stands for the run's id.
        run_id: The run's id.
        dataset: The dataset's manifest; its metadata says where the images are.

    Returns:
        The folder of this run, for the steps that follow.
    """
    import shutil
    from pathlib import Path

    from sparseinst.data.ingest import ingest as bring_in
    from sparseinst.steps import step

    folder = Path(workspace.replace("{run}", run_id))
    with step("ingest") as facts:
        made = bring_in(source, folder / "dataset")
        shutil.copyfile(made.location / "manifest.json", dataset.path)
        dataset.metadata.update(id=made.manifest["id"], location=str(made.location))
        facts.update(dataset=made.manifest["id"], location=str(made.location))
    return str(folder)
