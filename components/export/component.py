"""Export: a checkpoint becomes a Triton model repository, proven equal to it."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def export(
    dataset: Input[Dataset], model: Input[Model], folder: str, model_name: str, repository: Output[Artifact]
) -> None:
    """Writes the Triton model repository and compares its answers with the checkpoint's.

    Args:
        dataset: What ingest made; a few of its validation images join the proof.
        model: The checkpoint.
        folder: The folder of this run.
        model_name: The name that Triton will serve it under.
        repository: The export's manifest; its metadata says where the repository is.
    """
    import shutil
    from pathlib import Path

    from sparseinst.data.directory import validation_images
    from sparseinst.export.export import ExportOptions
    from sparseinst.export.export import export as write_repository
    from sparseinst.steps import step

    with step("export") as facts:
        output = Path(folder) / "export"
        photos = validation_images(Path(dataset.metadata["location"]), most=3)
        write_repository(Path(model.path), output, ExportOptions(name=model_name, photos=photos))
        shutil.copyfile(output / "manifest.json", repository.path)
        repository.metadata.update(location=str(output))
        facts.update(repository=str(output))
