"""sparseinst check"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sparseinst.cli.output import emit


@click.command("check")
@click.argument("annotations", type=click.Path(path_type=Path))
@click.option("--images", type=click.Path(path_type=Path), help="Also look for the image files, in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.pass_context
def command(context: click.Context, annotations: Path, images: Path | None, as_json: bool) -> None:
    """Find every error in a COCO annotation file. Exit code 0, or 3 where training must not start.

    \b
    Example:
      sparseinst check data/annotations/train.json --images data/images
    """
    from sparseinst.data.checks.schema import check_coco
    from sparseinst.data.coco import read_json
    from sparseinst.errors import DatasetError

    content = read_json(annotations)
    findings = check_coco(content, images)
    counts = {key: _length(content, key) for key in ("images", "annotations", "categories")}
    summary = ", ".join(f"{count} {key}" for key, count in counts.items())
    emit(
        {"file": str(annotations), **counts, "findings": [asdict(finding) for finding in findings]},
        as_json,
        [f"{annotations}: {summary}, {len(findings)} findings", *(f"  {finding}" for finding in findings)],
    )
    context.exit(DatasetError.exit_code if findings else 0)


def _length(content: object, key: str) -> int:
    entries = content.get(key) if isinstance(content, dict) else None
    return len(entries) if isinstance(entries, list) else 0
