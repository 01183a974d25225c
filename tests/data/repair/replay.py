"""Does by hand what a diff says, and repairs files in a test's folder."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.checks.file import check_file
from sparseinst.data.repair.result import RepairResult
from sparseinst.data.repair.run import repair_file

_DELETED = object()


def repaired(content: Any, folder: Path, **options: Any) -> RepairResult:
    """Repairs a file of this content; the new one is `result.file`."""
    old = folder / "file.json"
    old.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    before = old.read_bytes()
    result = repair_file(old, folder / "out", **options)
    assert old.read_bytes() == before
    return result


def read(path: Path) -> Any:
    return json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))


def diff_of(result: RepairResult) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.diff.read_text().splitlines()]


def replayed(old: Any, lines: Sequence[dict[str, Any]]) -> Any:
    """The old content after all changes; every pointer counts in the old file, so deleted entries go last."""
    content = copy.deepcopy(old)
    for line in lines:
        if line["pointer"] == "":
            continue  # the byte order mark, which is no part of the content
        key, number, *field = line["pointer"][1:].split("/")
        if line["action"] == "deleted":
            assert not field
            content[key][int(number)] = _DELETED
            continue
        (name,) = field
        assert (name in content[key][int(number)]) == (line["action"] == "changed")
        content[key][int(number)][name] = line["after"]
    for key in ("images", "categories", "annotations"):
        if isinstance(content.get(key), list):
            content[key] = [entry for entry in content[key] if entry is not _DELETED]
    return content


def text(content: Any) -> str:
    """To compare contents by: 1, 1.0 and true are three things, and NaN is NaN. The order of keys counts."""
    return json.dumps(content)


def codes_of(path: Path) -> set[str]:
    """The codes of errors and warnings."""
    return {finding.code for finding in check_file(path, workers=1).findings if finding.severity != "note"}
