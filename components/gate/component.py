"""Gate: the metrics decide whether the model may go on."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    dataset: Input[Dataset],
    report: Input[Artifact],
    folder: str,
    min_ap: float,
    policy: dict,  # type: ignore[type-arg]  # KFP knows no parameters of it
    force_by: str,
    force_why: str,
    model_name: str,
    model_repository: str,
    triton_url: str,
    decision: Output[Artifact],
    verdict: Output[Markdown],
) -> str:
    """Decides whether the candidate earned its place. A refusal is an answer and not a failure of the step.

    Args:
        dataset: What ingest made: on its validation images the model in service is measured, if that must be.
        report: What evaluate made; its metadata says where the whole evaluation of the candidate is.
        folder: The folder of this run, a path or an address.
        min_ap: The mask AP that it must reach, 0 to 1.
        policy: More rules (docs/gate.md); over `min_ap` where they name it too.
        force_by: Who lets it pass whatever is found; empty for nobody.
        force_why: Why.
        model_name: The name that the model in service has.
        model_repository: Triton's model repository, where the model in service is found.
        triton_url: Triton's gRPC address, "host:port".
        decision: gate.json: every check with its reason; its metadata says where it and the evaluation are.
        verdict: The same to read, for Kubeflow's page of the run.

    Returns:
        "pass", "fail" or "investigate".
    """
    import json
    import shutil
    from pathlib import Path

    from sparseinst.evaluation.gate.in_service import judge_against_service
    from sparseinst.evaluation.gate.policy import policy_from
    from sparseinst.evaluation.gate.summary import gate_summary
    from sparseinst.pages.page import write_page
    from sparseinst.steps import step
    from sparseinst.workspace import fetch, open_workspace

    with step("gate", folder) as facts:
        place, evaluation = open_workspace(folder), report.metadata["location"]
        with place.make("gate") as output:
            decided = judge_against_service(
                fetch(evaluation),
                policy_from({"min_ap": min_ap, **policy}, "gate_policy"),
                data=fetch(dataset.metadata["location"]),
                place=(model_repository, model_name, triton_url),
                forced_by=(force_by, force_why),
                output=output,
            )
        shutil.copyfile(output / "gate.json", decision.path)
        write_page(Path(verdict.path), gate_summary(json.loads((output / "gate.json").read_text(encoding="utf-8"))))
        decision.metadata.update(location=place.at("gate"), evaluation=evaluation)
        facts.update(decision=decided.decision, reasons=decided.deciding(), location=place.at("gate"))
    return decided.decision
