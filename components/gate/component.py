"""Gate: the metrics decide whether the model may go on."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

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
) -> str:
    """Decides whether the candidate earned its place. A refusal is an answer and not a failure of the step.

    Args:
        dataset: What ingest made: on its validation images the model in service is measured, if that must be.
        report: metrics.json of the candidate; read from the folder, where its matches lie beside it.
        folder: The folder of this run.
        min_ap: The mask AP that it must reach, 0 to 1.
        policy: More rules (docs/gate.md); over `min_ap` where they name it too.
        force_by: Who lets it pass whatever is found; empty for nobody.
        force_why: Why.
        model_name: The name that the model in service has.
        model_repository: Triton's model repository, where the model in service is found.
        triton_url: Triton's gRPC address, "host:port".
        decision: gate.json: every check with its reason.

    Returns:
        "pass", "fail" or "investigate".
    """
    import shutil
    from pathlib import Path

    from sparseinst.evaluation.gate.in_service import judge_against_service
    from sparseinst.evaluation.gate.policy import policy_from
    from sparseinst.steps import step

    with step("gate") as facts:
        output = Path(folder) / "gate"
        verdict = judge_against_service(
            Path(folder) / "evaluate",
            policy_from({"min_ap": min_ap, **policy}, "gate_policy"),
            data=Path(dataset.metadata["location"]),
            place=(model_repository, model_name, triton_url),
            forced_by=(force_by, force_why),
            output=output,
        )
        shutil.copyfile(output / "gate.json", decision.path)
        facts.update(decision=verdict.decision, reasons=verdict.deciding(), location=str(output))
    return verdict.decision
