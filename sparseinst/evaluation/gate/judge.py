"""The gate as the command line and the pipeline use it: reads, compares, decides, and keeps the decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.errors import ConfigError, EvaluationError
from sparseinst.evaluation.finished import Evaluation
from sparseinst.evaluation.gate.decide import decide
from sparseinst.evaluation.gate.force import force
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.verdict import Verdict
from sparseinst.files import write_json
from sparseinst.log import get_logger
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest, write_manifest

GATE_FILE = "gate.json"
GATE_SCHEMA = "sparseinst.gate/1"

log = get_logger("gate")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what it was made from. `comparison` is None where it could not be made."""

    verdict: Verdict
    policy: Policy
    candidate: Evaluation
    incumbent: Evaluation | None
    comparison: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """The content of gate.json."""
        return {
            "schema": GATE_SCHEMA,
            **self.verdict.to_dict(),
            "policy": self.policy.to_dict(),
            "candidate": _about(self.candidate),
            "incumbent": _about(self.incumbent) if self.incumbent else None,
            "difference": (self.comparison or {}).get("AP"),
        }


def judge(
    candidate: Evaluation, policy: Policy, incumbent: Evaluation | None = None, parity: Mapping[str, Any] | None = None
) -> Judgement:
    """Decides, with the interval of the difference where both evaluations have their matches."""
    comparison = compare_matches(candidate, incumbent) if incumbent else None
    metrics = incumbent.metrics if incumbent else None
    verdict = decide(candidate.metrics, policy, incumbent=metrics, comparison=comparison, parity=parity)
    return Judgement(verdict, policy, candidate, incumbent, comparison)


def forced(judgement: Judgement, by: str, why: str) -> Judgement:
    """The judgement with its verdict forced to a pass.

    Raises:
        ConfigError: `by` or `why` is empty.
    """
    return dataclasses.replace(judgement, verdict=force(judgement.verdict, by=by, why=why))


def compare_matches(candidate: Evaluation, incumbent: Evaluation) -> dict[str, Any] | None:
    """The paired bootstrap of two evaluations of the same data; None, with a warning, where it cannot be made."""
    if candidate.matches is None or incumbent.matches is None:
        return None
    if candidate.metrics.get("dataset") != incumbent.metrics.get("dataset"):
        return None
    from sparseinst.evaluation.comparison.compare import compare

    try:
        return compare(candidate.path.parent, incumbent.path.parent)
    except EvaluationError as error:
        log.warning("no interval of the difference: %s", error.problem)
        return None


def write_judgement(output: Path, judgement: Judgement) -> dict[str, Any]:
    """Writes gate.json and its manifest into a folder of their own; gives the manifest.

    Raises:
        ConfigError: The folder holds another artifact, whose manifest would be lost.
    """
    kind = read_manifest(output).get("kind") if (output / MANIFEST).is_file() else "gate"
    if kind != "gate":
        raise ConfigError(
            f"The folder holds another artifact: '{kind}'.", where=str(output), fix="Give the gate a folder of its own."
        )
    write_json(output / GATE_FILE, judgement.to_dict())
    inputs = {"metrics": judgement.candidate.id}
    if judgement.incumbent:
        inputs["incumbent"] = judgement.incumbent.id
    by_force = judgement.verdict.forced
    facts = {
        "decision": judgement.verdict.decision,
        "forced": dataclasses.asdict(by_force) if by_force else None,
        "AP": judgement.candidate.metrics.get("AP"),
        "incumbent_AP": judgement.incumbent.metrics.get("AP") if judgement.incumbent else None,
    }
    return write_manifest(
        output,
        kind="gate",
        inputs=inputs,
        settings=judgement.policy.to_dict(),
        files=[output / GATE_FILE],
        facts=facts,
    )


def _about(evaluation: Evaluation) -> dict[str, Any]:
    names = ("AP", "dataset", "split", "model")
    return {"id": evaluation.id, **{name: evaluation.metrics.get(name) for name in names}}
