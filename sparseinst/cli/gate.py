"""`sparseinst gate`: may this model be deployed?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit
from sparseinst.errors import ConfigError, GateRefused

_MARKS = {"pass": "✓", "fail": "✗", "investigate": "?", "not asked": "·"}


@click.command("gate")
@click.option(
    "--candidate", type=click.Path(path_type=Path), required=True, help="The new model's evaluation, or metrics.json."
)
@click.option("--incumbent", type=click.Path(path_type=Path), help="The same of the model in service.")
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="YAML: the rules; see docs/gate.md.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change one rule; repeatable.")
@click.option("--min-ap", type=float, help="The mask AP it must reach, 0 to 1: short for --set min_ap=.")
@click.option("--parity", type=click.Path(path_type=Path), help="The parity.json of its export.")
@click.option("--output", type=click.Path(path_type=Path), help="A folder for gate.json and its manifest.")
@click.option("--force", "is_forced", is_flag=True, help="Let it pass whatever is found; needs --by and --why.")
@click.option("--by", default="", help="Who forces it.")
@click.option("--why", default="", help="Why.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    candidate: Path,
    incumbent: Path | None,
    policy_file: Path | None,
    overrides: tuple[str, ...],
    min_ap: float | None,
    parity: Path | None,
    output: Path | None,
    is_forced: bool,
    by: str,
    why: str,
    as_json: bool,
) -> None:
    """Decide whether a candidate may be deployed: exit 0 if it may, 10 if not.

    \b
    Examples:
      sparseinst gate --candidate evaluation --incumbent old/evaluation --min-ap 0.5 --output gate
      sparseinst gate --candidate evaluation --policy gate.yaml --set max_regression=0.01
      sparseinst gate --candidate evaluation --force --by "Ada" --why "the old model is wrong about rings"
    """
    from sparseinst.evaluation.finished import read_evaluation, read_object
    from sparseinst.evaluation.gate.force import check_force
    from sparseinst.evaluation.gate.judge import forced, judge, write_judgement
    from sparseinst.evaluation.gate.policy import load_policy

    if is_forced:
        check_force(by, why)
    elif by or why:
        raise ConfigError("--by and --why are for --force.", where="--by", fix="Add --force, or leave them out.")
    policy = load_policy(policy_file, overrides, **({} if min_ap is None else {"min_ap": min_ap}))
    judgement = judge(
        read_evaluation(candidate),
        policy,
        read_evaluation(incumbent) if incumbent else None,
        read_object(parity, "Name the parity.json that 'sparseinst export' wrote.") if parity else None,
    )
    if is_forced:
        judgement = forced(judgement, by, why)
    if output:
        write_judgement(output, judgement)
    verdict = judgement.verdict
    emit(judgement.to_dict(), as_json, _lines(verdict.decision, verdict.deciding(), verdict.to_dict()))
    if verdict.decision != "pass":
        raise GateRefused(
            "The gate refused the candidate.",
            where=str(candidate),
            details=verdict.deciding(),
            fix="Look at the reasons before you deploy." if verdict.decision == "investigate" else "Train it better.",
        )


def _lines(decision: str, deciding: list[str], verdict: Mapping[str, Any]) -> list[str]:
    width = max(len(reason["check"]) for reason in verdict["reasons"])
    checks = [
        f"  {_MARKS[reason['outcome']]} {reason['check']:<{width}}  {reason['outcome']:<11}  {reason['text']}"
        for reason in verdict["reasons"]
    ]
    return [f"{decision}: {'; '.join(deciding)}", *checks]
