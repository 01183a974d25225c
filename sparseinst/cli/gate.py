"""`sparseinst gate`: may this model be deployed?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit
from sparseinst.errors import EvaluationError, GateRefused


@click.command("gate")
@click.option("--candidate", type=click.Path(path_type=Path), required=True, help="The metrics.json of the new model.")
@click.option("--incumbent", type=click.Path(path_type=Path), help="The metrics.json of the model in service.")
@click.option("--min-ap", type=float, default=0.0, show_default=True, help="The mask AP it must reach, 0 to 1.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(candidate: Path, incumbent: Path | None, min_ap: float, as_json: bool) -> None:
    """Decide whether a candidate may be deployed: exit 0 if it may, 10 if not.

    \b
    Example:
      sparseinst gate --candidate new/metrics.json --incumbent old/metrics.json --min-ap 0.5
    """
    from sparseinst.evaluation.gate.decide import decide

    verdict = decide(_read(candidate), min_ap=min_ap, incumbent=_read(incumbent) if incumbent else None)
    emit(
        {"decision": verdict.decision, "reasons": verdict.reasons},
        as_json,
        [f"{verdict.decision}: {'; '.join(verdict.reasons)}"],
    )
    if verdict.decision != "pass":
        raise GateRefused(
            "The gate refused the candidate.",
            where=str(candidate),
            details=verdict.reasons,
            fix="Look at the reasons before you deploy." if verdict.decision == "investigate" else "Train it better.",
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"The metrics cannot be read: {error}.",
            where=str(path),
            fix="Name a metrics.json that 'sparseinst evaluate' wrote.",
        ) from error
    if not isinstance(metrics, dict):
        raise EvaluationError(
            "The metrics are not a JSON object.",
            where=str(path),
            fix="Name a metrics.json that 'sparseinst evaluate' wrote.",
        )
    return metrics
