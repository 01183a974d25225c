"""Finds and checks the annotation files of a source, and the file of every image that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sparseinst.data.checks.file import Checked, check_file
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.local import shorten
from sparseinst.data.sources.base import Source
from sparseinst.data.sources.layout import by_basename, find_annotations, find_image


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """An annotation file of the source.

    Attributes:
        name: Its name in the source.
        split: "train", "val" or "all".
        path: Where it can be read.
        checked: What it holds.
        keys: Of each image its file's name in the source; empty where there is none, or several that it may be.
    """

    name: str
    split: str
    path: Path
    checked: Checked
    keys: Sequence[str]


def gather(source: Source) -> tuple[list[AnnotationFile], list[Finding]]:
    """All annotation files, train first, and every finding about them and about image files that are not there.

    Raises:
        DatasetError: There are no annotation files.
    """
    names = source.names()
    index = by_basename(names)
    files: list[AnnotationFile] = []
    findings: list[Finding] = []
    used: set[str] = set()
    for split, tables in find_annotations(names, source.uri).items():
        for name in tables:
            path = source.local(name)
            checked = check_file(path, name)
            keys, missing = _find_images(checked, split, index, name)
            findings += [*checked.findings, *missing]
            files.append(AnnotationFile(name, split, path, checked, keys))
            used.update(keys)
    findings += _orphans(names, used, files)
    return files, findings


def _find_images(
    checked: Checked, split: str, index: Mapping[str, Sequence[str]], file: str
) -> tuple[list[str], list[Finding]]:
    keys, findings = [], []
    for number, name in zip(checked.images.numbers.tolist(), checked.images.names, strict=True):
        found = find_image(name, split, index) if name else []
        keys.append(found[0] if len(found) == 1 else "")
        if name and len(found) != 1:
            problem, fix = f"there is no file {shorten(name)}", "Add the file, or delete the entry"
            if found:
                problem = f"{shorten(name)} may be any of {', '.join(found[:3])}"
                fix = "Write the path from the data set's root"
            findings.append(Finding("IMG-FILE", f"/images/{number}/file_name", problem, fix, file, name))
    return keys, findings


def _orphans(names: Sequence[str], used: set[str], files: Sequence[AnnotationFile]) -> Iterator[Finding]:
    from sparseinst.data.checks.leakage import orphans

    for finding in orphans(names, used):
        yield replace(finding, file=files[0].name, image=finding.file)
