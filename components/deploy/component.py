"""Deploy: an export becomes the served version, or the one before goes on serving."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Markdown, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def deploy(
    repository: Input[Artifact],
    decision: Input[Artifact],
    folder: str,
    model_repository: str,
    triton_url: str,
    deployment: Output[Artifact],
    serving: Output[Markdown],
    lineage: Output[Markdown],
    client_url: str = "",
) -> None:
    """Publishes the export, loads it on every replica and proves that the served answers are the exported ones.

    Args:
        repository: What export made; its metadata says where it is.
        decision: What the gate decided; it goes along with the evaluation, for the next candidate and for lineage. Its
            metadata says where both are.
        folder: The folder of this run, a path or an address.
        model_repository: Triton's model repository as this step sees it: a directory or an s3:// address.
        triton_url: Triton's gRPC address, "host:port". A name that stands for several servers means all of them.
        deployment: What is served now, and where.
        serving: What is served where, how it was proven, in how many milliseconds an image is answered, how it is
            asked and how one goes back, for Kubeflow's page of the run.
        lineage: The chain from the data's version over code, configuration, checkpoint and export to what is served.
        client_url: Triton's address for clients, "host:port", where it is another one; for the report.
    """
    import json
    from pathlib import Path

    from sparseinst.serving.rollout import deploy as roll_out
    from sparseinst.serving.rollout.pages import write_lineage_page, write_serving_page
    from sparseinst.steps import step
    from sparseinst.workspace import fetch, open_workspace
    from sparseinst.workspace.manifests import bring_manifests

    with step("deploy", folder) as facts:
        place = open_workspace(folder)
        bring_manifests(place, ("dataset", "train"))
        evaluation, gate = fetch(decision.metadata["evaluation"]), fetch(decision.metadata["location"])
        exported = fetch(repository.metadata["location"])
        served = roll_out(exported, model_repository, triton_url, evaluation=evaluation, gate=gate)
        facts.update(name=served.name, version=served.version, url=served.url)
        facts.update(replicas=[visit.address for visit in served.replicas])
        Path(deployment.path).write_text(json.dumps(facts))
        deployment.metadata.update(facts)
        write_serving_page(Path(serving.path), served, client_url)
        write_lineage_page(Path(lineage.path), served, exported.parent, {str(exported.parent): place.address})
