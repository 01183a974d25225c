"""sparseinst repair"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparseinst.cli.output import emit

if TYPE_CHECKING:
    from sparseinst.data.checks.findings import Finding
    from sparseinst.data.repair.result import RepairResult


def _print_table(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from sparseinst.data.repair.table import REPAIRS

    for code, repair in REPAIRS.items():
        click.echo(f"{code:<15}  {'safe' if repair.is_safe else 'on request':<10}  {repair.done}")
    context.exit()


@click.command("repair")
@click.argument("annotations", type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The folder for the new file.")
@click.option("--also", multiple=True, metavar="CODE", help="Repair this, too. May be given several times.")
@click.option("--only", multiple=True, metavar="CODE", help="Repair this and nothing else. Likewise.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and leave nothing in --output.")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_print_table, help="Print all repairs."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.pass_context
def command(
    context: click.Context,
    annotations: Path,
    output: Path,
    also: tuple[str, ...],
    only: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Mend what can be mended safely in a COCO annotation file, into a new file.

    Never in place: --output gets the new file, NAME.diff.jsonl with a line for each change, and manifest.json. Exit
    code 0, or 3 where errors remain that need a person.

    \b
    Example:
      sparseinst repair annotations/train.json --output repaired
      sparseinst repair annotations/train.json --output repaired --also SEG-NORMALISED --dry-run
    """
    from sparseinst.data.repair.run import repair_file
    from sparseinst.errors import DatasetError

    result = repair_file(annotations, output, only=only, also=also, dry_run=dry_run)
    emit(_facts(result, annotations, dry_run), as_json, _lines(result, annotations, dry_run))
    context.exit(DatasetError.exit_code if result.errors else 0)


def _facts(result: RepairResult, annotations: Path, dry_run: bool) -> dict[str, object]:
    return {
        "source": str(annotations),
        "file": str(result.file),
        "diff": str(result.diff),
        "dry_run": dry_run,
        "id": result.manifest["id"] if result.manifest else None,
        "changes": result.changes,
        "entries": {"before": result.entries, "after": result.after.entries},
        "remaining": [finding.to_dict() for finding in result.after.findings],
    }


def _lines(result: RepairResult, annotations: Path, dry_run: bool) -> list[str]:
    from sparseinst.data.checks.findings import blocking, listed
    from sparseinst.data.repair.table import REPAIRS

    lines = [f"{annotations}: {result.total()}"]
    lines += [f"  {code:<15}  {count:>7}  {REPAIRS[code].done}" for code, count in result.changes.items()]
    lines.append(f"left: {result.left()}")
    lines += [f"  {line}" for line in listed(blocking(result.after.findings, strict=True))]
    lines += _on_request(result.after.findings)
    return [*lines, f"{'would make' if dry_run else 'made'} {result.file} and {result.diff}"]


def _on_request(findings: list[Finding]) -> list[str]:
    """What a person may decide to have done."""
    from sparseinst.data.repair.table import REPAIRS

    found = Counter(finding.code for finding in findings)
    return [
        f"on request: --also {code:<14}  {repair.done}"
        for code, repair in REPAIRS.items()
        if found[code] and not repair.is_safe
    ]
