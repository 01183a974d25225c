"""Reads whole COCO annotation files. What is returned is sound: no later step has to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from sparseinst.data.checks.file import check_file
from sparseinst.data.checks.findings import Finding, blocking, listed
from sparseinst.data.checks.tables import ImageTable
from sparseinst.data.coco_file.reading import text_error
from sparseinst.data.coco_file.text import SyntaxProblem, open_bytes, parse
from sparseinst.errors import DatasetError

# A COCO file's content: the lists "images", "annotations" and "categories", and whatever else the file has.
Coco: TypeAlias = dict[str, Any]


def load_coco(path: Path, images: Path | None = None, *, are_images_needed: bool = True) -> Coco:
    """Reads and checks a COCO file. It must fit into memory, as the annotations that models are measured on do.

    Args:
        images: The folder that `file_name` is relative to; every file must be there. None: they are not looked for.
        are_images_needed: Whether anybody will open the images. If not, what is wrong with a `file_name` is no error.

    Returns:
        The content. `iscrowd`, `area` and `bbox` may be missing from annotations: ingestion adds them. `file_name` may
        be missing or wrong where images are not needed.

    Raises:
        DatasetError: The file is missing or is not JSON, or has errors; its details list them.
    """
    checked = check_file(path)
    findings = checked.findings
    if images is not None:
        findings = [*findings, *_missing_files(checked.images, images)]
    if not are_images_needed:
        findings = [finding for finding in findings if not finding.pointer.endswith("/file_name")]
    if blocking(findings):
        raise_findings(blocking(findings), str(path))
    coco: Coco = read_json(path)
    return coco


def read_json(path: Path) -> Any:
    """What a JSON file holds. A byte order mark, which some Windows tools write, is skipped.

    Raises:
        DatasetError: The file is missing, or is not JSON; then with line and column.
    """
    try:
        return parse(open_bytes(path)[:].removeprefix(b"\xef\xbb\xbf"), 0)
    except SyntaxProblem as problem:
        raise text_error(path, problem) from problem


def raise_findings(findings: Sequence[Finding], where: str) -> NoReturn:
    """Raises one DatasetError for all findings; the first ones are shown.

    Raises:
        DatasetError: Always.
    """
    count = "1 finding stands" if len(findings) == 1 else f"{len(findings)} findings stand"
    fix = "Mend each as it says; `sparseinst check FILE` lists them all, `sparseinst repair FILE` mends what is safe."
    raise DatasetError(
        f"{count} in the way of using these annotations.", where=where, fix=fix, details=listed(findings)
    )


def _missing_files(table: ImageTable, images: Path) -> Iterator[Finding]:
    for number, name in zip(table.numbers.tolist(), table.names, strict=True):
        if name and not (images / name).is_file():
            problem = f"there is no file {name} in {images}"
            yield Finding("IMG-FILE", f"/images/{number}/file_name", problem, "Add the file, or delete the entry")
