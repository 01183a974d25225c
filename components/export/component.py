"""Export: a checkpoint becomes a Triton model repository, proven equal to it."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def export(
    dataset: Input[Dataset],
    model: Input[Model],
    folder: str,
    model_name: str,
    repository: Output[Artifact],
    parity: Output[Markdown],
) -> None:
    """Writes the Triton model repository and compares its answers with the checkpoint's.

    Args:
        dataset: What ingest made; a few of its validation images join the proof.
        model: The checkpoint.
        folder: The folder of this run, a path or an address.
        model_name: The name that Triton will serve it under.
        repository: The export's manifest; its metadata says where the repository is.
        parity: How far its answers are from the checkpoint's, and what was tolerated, for Kubeflow's page of the run.
    """
    import shutil
    from pathlib import Path

    from sparseinst.data.directory import validation_images
    from sparseinst.export.export import ExportOptions
    from sparseinst.export.export import export as write_repository
    from sparseinst.export.summary import parity_summary
    from sparseinst.pages.page import write_page
    from sparseinst.steps import step
    from sparseinst.workspace import fetch, open_workspace

    with step("export", folder) as facts:
        place = open_workspace(folder)
        photos = validation_images(fetch(dataset.metadata["location"]), most=3)
        with place.make("export", anew=True) as output:
            made = write_repository(Path(model.path), output, ExportOptions(name=model_name, photos=photos))
        shutil.copyfile(output / "manifest.json", repository.path)
        write_page(Path(parity.path), parity_summary(made.name, made.parity))
        repository.metadata.update(location=place.at("export"))
        facts.update(repository=place.at("export"))
