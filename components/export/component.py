"""Export: a checkpoint becomes a Triton model repository, proven equal to it."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def export(model: Input[Model], folder: str, model_name: str, repository: Output[Artifact]) -> None:
    """Writes the Triton model repository and compares its answers with the checkpoint's.

    Args:
        model: The checkpoint.
        folder: The folder of this run.
        model_name: The name that Triton will serve it under.
        repository: The export's manifest; its metadata says where the repository is.
    """
    import shutil
    from pathlib import Path

    from sparseinst.export.export import export as write_repository
    from sparseinst.steps import step

    with step("export") as facts:
        output = Path(folder) / "export"
        write_repository(Path(model.path), output, model_name)
        shutil.copyfile(output / "manifest.json", repository.path)
        repository.metadata.update(location=str(output))
        facts.update(repository=str(output))
