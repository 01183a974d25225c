"""Deploy: an export becomes the served version, or the one before goes on serving."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def deploy(
    repository: Input[Artifact],
    decision: Input[Artifact],
    folder: str,
    model_repository: str,
    triton_url: str,
    deployment: Output[Artifact],
) -> None:
    """Publishes the export, loads it and proves that the served answers are the exported ones.

    Args:
        repository: What export made.
        decision: What the gate decided; it goes along with the evaluation, for the next candidate and for lineage.
        folder: The folder of this run.
        model_repository: Triton's model repository as this step sees it: a directory or an s3:// address.
        triton_url: Triton's gRPC address, "host:port".
        deployment: What is served now, and where.
    """
    import json
    from pathlib import Path

    from sparseinst.serving.rollout import deploy as roll_out
    from sparseinst.steps import step

    with step("deploy") as facts:
        served = roll_out(
            Path(repository.metadata["location"]),
            model_repository,
            triton_url,
            evaluation=Path(folder) / "evaluate",
            gate=Path(folder) / "gate",
        )
        facts.update(name=served.name, version=served.version, url=served.url)
        Path(deployment.path).write_text(json.dumps(facts))
        deployment.metadata.update(facts)
