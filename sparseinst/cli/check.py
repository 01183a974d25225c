"""sparseinst check"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparseinst.cli.output import emit

if TYPE_CHECKING:
    from sparseinst.data.checks.findings import Finding

_MOST_OF_A_CODE = 5  # lines in the text; there may be thousands


@click.command("check")
@click.argument("annotations", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--images", type=click.Path(path_type=Path), help="Also decode the images, which lie in this folder.")
@click.option("--strict", is_flag=True, help="Refuse warnings as well.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a report with charts, to look at.")
@click.option("--jsonl", type=click.Path(path_type=Path), help="Write all findings, a JSON object a line; - is stdout.")
@click.option("--all", "show_all", is_flag=True, help=f"Show all findings, not {_MOST_OF_A_CODE} of each code.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.pass_context
def command(
    context: click.Context,
    annotations: tuple[Path, ...],
    images: Path | None,
    strict: bool,
    html: Path | None,
    jsonl: Path | None,
    show_all: bool,
    as_json: bool,
) -> None:
    """Find everything that is wrong in COCO annotation files. Exit code 0, or 3 where training must not start.

    ANNOTATIONS are annotation files, or one folder with annotations/ and images/. Files whose name begins with "val"
    or "instances_val" are compared with the others: the same picture in train and val is found.

    \b
    Example:
      sparseinst check train.json
      sparseinst check annotations/train.json annotations/val.json --images images --html report.html
      sparseinst check my-data --strict
    """
    from sparseinst.data.checks.findings import blocking, counts
    from sparseinst.data.checks.survey import survey
    from sparseinst.errors import DatasetError

    checked = survey(annotations, images)
    findings = checked.findings
    if jsonl:
        _write_lines(jsonl, findings)
    if html:
        checked.write_html(html)
    refused = blocking(findings, strict)
    numbers = counts(findings)
    summary = ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in numbers.items())
    lines = [f"{file.name}: {_entries(file.entries)}" for file in checked.files]
    lines += _lines(findings, show_all)
    lines.append(f"{summary}. " + ("Training must not start." if refused else "Nothing stands in the way of training."))
    if html:
        lines.append(f"report: {html}")
    if str(jsonl) == "-":
        lines = []
    emit(
        {
            "files": {file.name: file.entries for file in checked.files},
            "counts": numbers,
            "findings": [finding.to_dict() for finding in findings],
        },
        as_json,
        lines,
    )
    context.exit(DatasetError.exit_code if refused else 0)


def _entries(entries: dict[str, int]) -> str:
    return ", ".join(f"{entries[key]} {key}" for key in ("images", "annotations", "categories"))


def _lines(findings: list[Finding], show_all: bool) -> list[str]:
    """The gravest first; of a code that comes often the first few."""
    from sparseinst.data.checks.codes import SEVERITIES

    lines, shown = [], dict[str, int]()
    for finding in sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)):
        shown[finding.code] = shown.get(finding.code, 0) + 1
        if show_all or shown[finding.code] <= _MOST_OF_A_CODE:
            lines.append(f"  {finding}")
    more = [f"{count - _MOST_OF_A_CODE} more {code}" for code, count in shown.items() if count > _MOST_OF_A_CODE]
    return lines if show_all or not more else [*lines, f"  and {', '.join(more)} (--all shows them)"]


def _write_lines(path: Path, findings: list[Finding]) -> None:
    import json

    from sparseinst.files import write_text

    text = "".join(json.dumps(finding.to_dict(), sort_keys=True) + "\n" for finding in findings)
    if str(path) == "-":
        click.echo(text, nl=False)
    else:
        write_text(path, text)
