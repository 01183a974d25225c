"""Gate: the metrics decide whether the model may go on."""

from kfp import dsl
from kfp.dsl import Artifact, Input

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(report: Input[Artifact], min_ap: float) -> str:
    """Decides whether the candidate earned its place. A refusal is an answer and not a failure of the step.

    Args:
        report: metrics.json of the candidate.
        min_ap: The mask AP that it must reach, 0 to 1.

    Returns:
        "pass", "fail" or "investigate".
    """
    import json
    from pathlib import Path

    from sparseinst.evaluation.gate.decide import decide
    from sparseinst.log import get_logger
    from sparseinst.steps import step

    with step("gate") as facts:
        verdict = decide(json.loads(Path(report.path).read_text()), min_ap=min_ap)
        facts.update(decision=verdict.decision, reasons=list(verdict.reasons))
        get_logger("gate").info("%s: %s", verdict.decision, "; ".join(verdict.reasons))
    return verdict.decision
