"""Reads COCO annotation files. What is returned is sound: no later step has to ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from sparseinst.data.checks.findings import Finding, listed
from sparseinst.data.checks.schema import check_coco
from sparseinst.errors import DatasetError

# A COCO file's content: the lists "images", "annotations" and "categories", and whatever else the file has.
Coco: TypeAlias = dict[str, Any]


def load_coco(path: Path, images: Path | None = None) -> Coco:
    """Reads and checks a COCO file.

    Args:
        images: The folder that `file_name` is relative to; every file must be there. None: they are not looked for.

    Returns:
        The content. `iscrowd`, `area` and `bbox` may be missing from annotations: ingestion adds them.

    Raises:
        DatasetError: The file is missing or is not JSON, or has findings; its details list them.
    """
    content = read_json(path)
    findings = check_coco(content, images)
    if findings:
        raise_findings(findings, str(path))
    coco: Coco = content
    return coco


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DatasetError: The file is missing, or is not JSON; then with line and column.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError("There is no such annotation file.", where=str(path), fix="Check the path.") from error
    except OSError as error:
        raise DatasetError(
            f"The annotation file cannot be read: {error.strerror}.", where=str(path), fix="Check its permissions."
        ) from error
    return parse_json(content, str(path))


def parse_json(content: bytes, where: str) -> Any:
    """What JSON text holds. A byte order mark, which some Windows tools write, is skipped.

    Raises:
        DatasetError: It is not JSON.
    """
    try:
        return json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"The annotation file is not JSON: {error.msg}.",
            where=f"{where}, line {error.lineno}, column {error.colno}",
            fix="Mend the file there, or export it again; a file that ends too early was not copied whole.",
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"The annotation file is not UTF-8 text (byte {error.start}).",
            where=where,
            fix="Save it as UTF-8; if it is an archive, unpack it first.",
        ) from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists in lists without end
        raise DatasetError(
            f"The annotation file cannot be read: {error}.", where=where, fix="Export it again."
        ) from error


def raise_findings(findings: Sequence[Finding], where: str) -> NoReturn:
    """Raises one DatasetError for all findings; the first ones are shown.

    Raises:
        DatasetError: Always.
    """
    count = "1 finding stands" if len(findings) == 1 else f"{len(findings)} findings stand"
    fix = "Mend each as it says; `sparseinst check FILE` lists them all."
    raise DatasetError(
        f"{count} in the way of using these annotations.", where=where, fix=fix, details=listed(findings)
    )
