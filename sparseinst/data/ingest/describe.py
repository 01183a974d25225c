"""What a dataset directory says of itself: manifest.json, report.html and findings.jsonl."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.categories import Category
from sparseinst.data.checks.findings import Finding, counts
from sparseinst.data.report.gallery import Picture
from sparseinst.data.report.page import NAME as REPORT
from sparseinst.data.report.page import write_report
from sparseinst.data.report.table import SplitTable
from sparseinst.data.shaping.table import Shaped
from sparseinst.files import write_text
from sparseinst.manifest import write_manifest

FINDINGS = "findings.jsonl"


def describe(
    folder: Path,
    *,
    tables: Sequence[SplitTable],
    shaped: Shaped,
    findings: Sequence[Finding],
    gallery: Sequence[Picture],
    settings: Mapping[str, Any],
    source: Mapping[str, str],
) -> dict[str, Any]:
    """Describes the images and annotations that lie in `folder`; gives the manifest.

    The manifest's id depends on these files and the settings alone: the same data has the same id wherever it came
    from. `source` says where that was.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    title = _title(shaped.categories)
    write_report(
        folder / REPORT,
        title=title,
        categories=shaped.categories,
        splits=tables,
        findings=findings,
        gallery=gallery,
    )
    lines = (json.dumps(finding.to_dict(), sort_keys=True) for finding in findings)
    write_text(folder / FINDINGS, "".join(f"{line}\n" for line in lines))
    facts = _facts(tables, shaped, findings, is_shaped=bool(settings))
    return write_manifest(folder, kind="dataset", inputs={}, settings=settings, files=files, facts=facts, source=source)


def _title(categories: Sequence[Category]) -> str:
    """What the report is called: its classes; the source's name would tell where the data lies."""
    names = [category.name for category in categories]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more classes" if len(names) > 4 else "")


def _facts(
    tables: Sequence[SplitTable], shaped: Shaped, findings: Sequence[Finding], is_shaped: bool
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        table.name: {"images": table.images, "instances": len(table.crowd), "crowds": table.crowds} for table in tables
    }
    facts["categories"] = [category.name for category in shaped.categories]
    facts["findings"] = counts(findings)
    if shaped.category_map:
        facts["category_map"] = {str(old): new for old, new in shaped.category_map.items()}
    if is_shaped:
        facts["shape"] = shaped.facts
    return facts
