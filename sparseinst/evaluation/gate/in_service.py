"""The gate in the pipeline: the candidate against the model that the endpoint serves now, on the candidate's data."""

from __future__ import annotations

from pathlib import Path

from sparseinst.errors import SparseInstError
from sparseinst.evaluation.finished import Evaluation, read_evaluation
from sparseinst.evaluation.gate.force import check_force
from sparseinst.evaluation.gate.judge import forced, judge, write_judgement
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.evaluation.gate.verdict import Verdict
from sparseinst.log import get_logger
from sparseinst.serving.rollout.incumbent import Incumbent, fetch_incumbent

log = get_logger("gate")

_SERVED = "in_service"  # folder of the evaluation that was deployed with it, below the gate's
_MEASURED = "in_service_measured"


def judge_against_service(
    candidate: Path,
    policy: Policy,
    *,
    data: Path,
    place: tuple[str, str, str],
    forced_by: tuple[str, str],
    output: Path,
) -> Verdict:
    """Decides about a candidate, and writes the decision.

    Args:
        candidate: The folder of its evaluation.
        policy: The rules.
        data: The dataset directory of the evaluation.
        place: Triton's model repository, the model's name in it, and "host:port" of Triton's gRPC.
        forced_by: Who lets it pass whatever is found, and why; both empty for nobody.
        output: Gets gate.json and its manifest.

    Raises:
        ConfigError: `forced_by` has one without the other.
        EvaluationError: The candidate has no metrics.
        StorageError: The model repository cannot be read.
    """
    if any(forced_by):
        check_force(*forced_by)
    repository, name, url = place
    measured = read_evaluation(candidate)
    incumbent = fetch_incumbent(repository, name, output / _SERVED)
    other = incumbent_evaluation(incumbent, measured, data, url, output / _MEASURED) if incumbent else None
    judgement = judge(measured, policy, other)
    if any(forced_by):
        judgement = forced(judgement, *forced_by)
    write_judgement(output, judgement)
    log.info("%s: %s", judgement.verdict.decision, "; ".join(judgement.verdict.deciding()))
    return judgement.verdict


def incumbent_evaluation(incumbent: Incumbent, candidate: Evaluation, data: Path, url: str, folder: Path) -> Evaluation:
    """What is known of the model in service; measured again over the network where its numbers cannot be compared.

    Args:
        incumbent: What the model repository puts into service.
        candidate: Whose data and split count.
        data: The dataset directory of the candidate's evaluation.
        url: "host:port" of Triton's gRPC.
        folder: Gets the new evaluation, if there is one.

    Returns:
        An evaluation, without an AP where none could be had: then the gate asks a person.
    """
    known = _deployed_with(incumbent)
    wanted = candidate.metrics.get("dataset")
    if known is not None and known.metrics.get("dataset") == wanted:
        return known
    why = "it was measured on other data" if known else incumbent.problem
    endpoint = f"grpc://{url}/{incumbent.name}/{incumbent.version}"
    log.info("measuring the model in service, %s, on this run's data: %s", endpoint, why)
    try:
        return _measured(endpoint, data, str(candidate.metrics.get("split") or "val"), folder)
    except SparseInstError as error:
        log.warning("the model in service cannot be measured: %s", error)
        return known or _unknown(incumbent, f"{why}, and {endpoint} cannot be measured: {error.problem}")


def _deployed_with(incumbent: Incumbent) -> Evaluation | None:
    try:
        return read_evaluation(incumbent.evaluation) if incumbent.evaluation else None
    except SparseInstError as error:
        log.warning("%s", error)
        return None


def _measured(endpoint: str, data: Path, split: str, folder: Path) -> Evaluation:
    from sparseinst.evaluation.evaluate import evaluate

    evaluate(data, split, endpoint, folder, picture_count=0)
    return read_evaluation(folder)


def _unknown(incumbent: Incumbent, why: str) -> Evaluation:
    """Something is served, and nobody knows how good it is: not the same as nothing."""
    place = Path(f"{incumbent.name}/{incumbent.version}")
    return Evaluation(place, {"AP": None, "undefined": {"AP": why}}, None, incumbent.id)
