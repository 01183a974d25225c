"""The image files of a whole data set: each by itself, and the same picture twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sparseinst.data.checks.file import Checked
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.image_sets import ImageEntry, check_images
from sparseinst.data.checks.leakage import Pictures, duplicates, leaks


@dataclass(frozen=True, slots=True)
class Located:
    """An annotation file, or the part of it that is one split, whose images were looked for.

    Attributes:
        name: What findings call the annotation file.
        split: "train", "val", or another name.
        checked: What the file holds.
        paths: Of each image the file, None where there is none.
        rows: Which of the images are meant; None for all.
    """

    name: str
    split: str
    checked: Checked
    paths: Sequence[Path | None]
    rows: Sequence[int] | None = None


def check_pictures(files: Sequence[Located], stage: str = "check") -> list[Finding]:
    """Decodes every image: findings about each, about copies in a split, and about copies between train and val."""
    findings: list[Finding] = []
    pictures: dict[str, list[tuple[Located, Pictures]]] = {}
    for file in files:
        found = check_images(list(_entries(file)), stage=stage)
        findings += _of(file, found.findings)
        findings += _of(file, duplicates(found.pictures))
        pictures.setdefault(file.split, []).append((file, found.pictures))
    findings += _leaks(pictures)
    return findings


def _leaks(pictures: Mapping[str, Sequence[tuple[Located, Pictures]]]) -> Iterable[Finding]:
    for _, train in pictures.get("train", ()):
        for file, val in pictures.get("val", ()):
            yield from _of(file, leaks(train, val))


def _entries(file: Located) -> Iterable[ImageEntry]:
    table = file.checked.images
    for row in range(len(table.names)) if file.rows is None else file.rows:
        if table.names[row]:
            height, width = int(table.heights[row]), int(table.widths[row])
            declared = (height, width) if height else None
            yield ImageEntry(f"/images/{table.numbers[row]}", table.names[row], file.paths[row], declared)


def _of(file: Located, findings: Iterable[Finding]) -> list[Finding]:
    return [replace(finding, file=file.name, image=finding.file) for finding in findings]
