"""Reads which images carry which tags: what users want to see apart, for example "night" or "site B".

JSON:  {"night": [17, "camera 3/0042.jpg"], ...}      image ids or file names
CSV:   camera 3/0042.jpg,night,site B                 an image in each line; a first line "file_name,..." is a heading

A file name may be the annotation file's whole one, or only its last part where no two images share that.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.checks.findings import Finding, listed
from sparseinst.errors import EvaluationError

Tags = dict[str, list[int]]
_FIX = 'Write JSON {"tag": [image ids or file names]}, or CSV lines file_name,tag,tag'


def read_tags(path: Path, images: Sequence[Mapping[str, Any]]) -> Tags:
    """Image ids by tag, both in the order in which they first appear; a file that ends in .json is JSON, others CSV.

    Args:
        images: The annotation file's, with `id` and `file_name`.

    Raises:
        EvaluationError: The file is missing, is something else, or names other images; all findings are in the message.
    """
    known = KnownImages(images)
    findings: list[Finding] = []
    tags: Tags = {}
    for tag, image, where in _entries(path, findings):
        found = known.find(image, where)
        if isinstance(found, Finding):
            findings.append(found)
        elif found not in tags.setdefault(tag, []):
            tags[tag].append(found)
    if findings:
        raise EvaluationError(
            f"{len(findings)} findings in the tags.", where=str(path), details=listed(findings), fix=f"{_FIX}."
        )
    return tags


class KnownImages:
    """Finds images by id, file name, or the last part of that."""

    def __init__(self, images: Sequence[Mapping[str, Any]]) -> None:
        self._ids = {int(image["id"]) for image in images}
        self._named: dict[str, set[int]] = {}
        self._ends: dict[str, set[int]] = {}
        for image in images:
            name = str(image.get("file_name", ""))
            self._named.setdefault(name, set()).add(int(image["id"]))
            self._ends.setdefault(Path(name).name, set()).add(int(image["id"]))

    def find(self, image: Any, where: str) -> int | Finding:
        """The image's id, or what is wrong."""
        if isinstance(image, int) and not isinstance(image, bool):
            return image if image in self._ids else _unknown(image, where)
        if not isinstance(image, str):
            return Finding("JSON-TYPE", where, f"{image!r:.40} is no image id and no file name", _FIX)
        found = self._named.get(image) or self._ends.get(image) or set()
        if len(found) > 1:
            return Finding("IMG-FILE", where, f"{len(found)} images are named {image!r:.80}", "Write the whole name")
        return next(iter(found)) if found else _unknown(image, where)


def _unknown(image: object, where: str) -> Finding:
    problem = f"{image!r:.80} is not in the annotations' images"
    return Finding("IMG-UNKNOWN", where, problem, "Use the ids or file names of the annotation file")


def _entries(path: Path, findings: list[Finding]) -> Iterator[tuple[str, Any, str]]:
    """(tag, image, where that stands); what is none of that joins the findings."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            entries = _members(json.loads(text), findings)
        else:
            entries = _lines(list(csv.reader(text.splitlines())), findings)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise EvaluationError(f"The tags cannot be read: {error}.", where=str(path), fix=f"{_FIX}.") from error
    yield from entries


def _members(content: Any, findings: list[Finding]) -> Iterator[tuple[str, Any, str]]:
    if not isinstance(content, dict):
        findings.append(Finding("JSON-TYPE", "", "the file is no object", _FIX))
        return
    for tag, images in content.items():
        pointer = "/" + tag.replace("~", "~0").replace("/", "~1")
        if not isinstance(images, list):
            findings.append(Finding("JSON-TYPE", pointer, "the tag's images are no list", _FIX))
            continue
        for number, image in enumerate(images):
            yield tag, image, f"{pointer}/{number}"


def _lines(rows: list[list[str]], findings: list[Finding]) -> Iterator[tuple[str, Any, str]]:
    for number, cells in enumerate(rows, 1):
        name, *tags = [cell.strip() for cell in cells] or [""]
        if not any(cells) or (number == 1 and name == "file_name"):
            continue
        where = f"line {number}"
        if not name or not any(tags):
            findings.append(Finding("JSON-TYPE", where, "the line is no file name with a tag", _FIX))
            continue
        for tag in filter(None, tags):
            yield tag, name, where
