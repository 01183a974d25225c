"""What a version takes into the model repository beside the model: the evaluation and the decision that let it in.

With them the gate knows how good the model in service is, and lineage can answer from the repository alone, after the
folders of the run are gone: the manifests of everything that the export was made from go along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sparseinst.errors import DeployError, GateRefused
from sparseinst.evaluation.analysis.table import MATCHES
from sparseinst.evaluation.finished import METRICS
from sparseinst.evaluation.gate.judge import GATE_FILE
from sparseinst.lineage.artifact import Artifact, copy_name, read_artifact
from sparseinst.lineage.node import Lineage, Node
from sparseinst.lineage.shelf import Shelf
from sparseinst.lineage.verify import problems_of
from sparseinst.lineage.walk import Walk
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.serving.rollout.exported import Export


@dataclass(frozen=True, slots=True)
class Evidence:
    """Files by their names in the version's folder, and what the version's manifest names as its inputs."""

    files: Mapping[str, Path] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


def gather_evidence(export: Export, evaluation: Path | None, gate: Path | None) -> Evidence:
    """Checks that evaluation, decision and export belong together, and says what goes along.

    Args:
        export: What is deployed.
        evaluation: The folder of `sparseinst evaluate`, or None.
        gate: The folder of `sparseinst gate --output`, or None.

    Raises:
        DeployError: They are not as they were written, or are of another model.
        GateRefused: The gate did not let this model pass.
    """
    measured = _whole(evaluation, "metrics", METRICS) if evaluation else None
    decided = _whole(gate, "gate", GATE_FILE) if gate else None
    if measured and export.checkpoint and _checkpoint(measured) not in ("", export.checkpoint):
        raise _foreign("The evaluation is of another model than the export.", measured)
    if decided and measured and decided.inputs.get("metrics") != measured.id:
        raise _foreign("The gate decided about another evaluation.", decided)
    if decided and decided.facts.get("decision") != "pass":
        raise GateRefused(
            f"The gate said '{decided.facts.get('decision')}': the model is not deployed.",
            where=decided.shown,
            fix="See the reasons in its gate.json.",
        )
    exported = read_artifact(export.directory / MANIFEST)
    given = [artifact for artifact in (exported, measured, decided) if artifact is not None]
    files: dict[str, Path] = {copy_name(artifact): artifact.path for artifact in _ancestors(given)}
    inputs: dict[str, str] = {"export": export.id}
    if measured:
        inputs["metrics"] = measured.id
        files |= {name: measured.path.parent / name for name in (METRICS, MATCHES) if name in measured.files}
    if decided:
        inputs["gate"] = decided.id
        files[GATE_FILE] = decided.path.parent / GATE_FILE
    return Evidence(files, inputs)


def _whole(folder: Path, kind: str, file: str) -> Artifact:
    artifact = read_artifact(folder / MANIFEST)
    if artifact is None or artifact.kind != kind or file not in artifact.files:
        raise DeployError(
            f"The folder has no {file} with its manifest.",
            where=str(folder),
            fix="Give the folder that `sparseinst evaluate --output` or `sparseinst gate --output` made.",
        )
    problems = problems_of(artifact)
    if problems:
        raise DeployError(
            f"{file} and what belongs to it are not as they were written.",
            where=str(folder),
            details=[problem.text for problem in problems],
            fix="Make them again.",
        )
    return artifact


def _checkpoint(measured: Artifact) -> str:
    """The hash of the checkpoint that was measured; empty for an endpoint or a file of detections."""
    model = measured.inputs.get("model", "")
    return "" if "://" in model else model


def _foreign(problem: str, artifact: Artifact) -> DeployError:
    return DeployError(
        problem, where=artifact.shown, fix="Give the folders of one run: evaluate, gate and export of one checkpoint."
    )


def _ancestors(given: list[Artifact]) -> Iterator[Artifact]:
    """Every artifact that these come from and that can be found, themselves first."""
    walk = Walk(Shelf(), with_files=False)
    seen: set[Path] = set()
    for artifact in given:
        for node in Lineage(walk.node(artifact)).nodes():
            found = _artifact(node)
            if found is not None and found.path not in seen and found.id == found.computed_id:
                seen.add(found.path)
                yield found


def _artifact(node: Node) -> Artifact | None:
    return read_artifact(node.manifest) if node.manifest else None
