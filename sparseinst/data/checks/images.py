"""The list of images: ids, names and sizes as the annotation file describes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.local import Local, check_id, is_clean, is_int, shorten
from sparseinst.data.checks.tables import Ids, ImageTable

_MOST_PIXELS = 2**31 - 1  # of what pycocotools can count
_LONGEST_NAME = 255  # of a file or folder, on every usual file system


def check_images(entries: list[Any]) -> tuple[list[Finding], ImageTable]:
    """Findings about the images, and what the file says of them.

    An id counts as known when it is written, even where the rest of its entry is wrong: one mistake, one finding.
    """
    findings: list[Finding] = []
    rows: list[tuple[int, int, int, int]] = []
    names: list[str] = []
    for number, entry in enumerate(entries):
        found = list(_check_entry(entry))
        findings += [f.at(f"/images/{number}") for f in found]
        if isinstance(entry, dict) and check_id(entry) is None:
            wrong = {f.place for f in found}
            has_size = not wrong & {"/height", "/width"}
            size = (entry["height"], entry["width"]) if has_size else (0, 0)
            rows.append((number, entry["id"], *size))
            names.append(
                "" if any(f.code != "IMG-NAME-OUT" and f.place == "/file_name" for f in found) else entry["file_name"]
            )
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    table = ImageTable(columns[0], columns[1], columns[2], columns[3], names)
    if not entries:
        findings.append(Finding("IMG-NONE", "/images", "there are no images", "Export the data with its images"))
    findings += _repeated_ids(table)
    findings += _repeated_names(table)
    return findings, table


def _check_entry(entry: Any) -> Iterator[Local]:
    if not isinstance(entry, dict):
        yield Local("JSON-TYPE", "", f"the image is {shorten(entry)}, not an object", "Export the data as COCO again")
        return
    wrong_id = check_id(entry)
    if wrong_id:
        yield wrong_id
    yield from _check_name(entry)
    sizes = []
    for key in ("height", "width"):
        value = entry.get(key)
        if is_int(value) and value > 0:
            sizes.append(value)
        else:
            found = f"is {shorten(value)}" if key in entry else "is missing"
            yield Local("JSON-TYPE", f"/{key}", f"{key!r} {found}", "It must be a positive whole number, in pixels")
    if len(sizes) == 2 and sizes[0] * sizes[1] > _MOST_PIXELS:
        problem = f"the image has {shorten(sizes[1])} x {shorten(sizes[0])} pixels, which no mask code can count"
        yield Local("JSON-TYPE", "/height", problem, "Correct the size, or cut the image into tiles")


def _check_name(entry: dict[str, Any]) -> Iterator[Local]:
    name = entry.get("file_name")
    place = "/file_name"
    if not isinstance(name, str) or not name:
        found = f"is {shorten(name)}" if "file_name" in entry else "is missing"
        yield Local("JSON-TYPE", place, f"'file_name' {found}", "It must be a text: the image file's path")
        return
    parts = PurePosixPath(name).parts
    if not is_clean(name) or len(name.encode("utf-8", "replace")) > 4096 or any(len(p) > _LONGEST_NAME for p in parts):
        fix = "Give it a name without control characters, and of at most 255 letters"
        yield Local("IMG-NAME", place, f"no file can be named {shorten(name)}", fix)
    elif not [part for part in parts if part not in ("/", ".", "..")]:
        yield Local("IMG-NAME", place, f"{shorten(name)} names a folder", "Write the image file's path")
    elif name.startswith("/") or ".." in parts:
        problem = f"{shorten(name)} leads out of the data set's folder"
        yield Local(
            "IMG-NAME-OUT", place, problem, "Write the path from the data set's root; what leads out is ignored"
        )


def _repeated_ids(table: ImageTable) -> Iterator[Finding]:
    for later, first in Ids(table.ids).repeated():
        problem = f"id {table.ids[later]} is taken by /images/{table.numbers[first]}"
        yield Finding("ID-TWICE", f"/images/{table.numbers[later]}/id", problem, "Give it an id of its own")


def _repeated_names(table: ImageTable) -> Iterator[Finding]:
    first_with: dict[str, int] = {}
    for row, name in enumerate(table.names):
        first = first_with.setdefault(name, row)
        if name and first != row:
            problem = f"{shorten(name)} is the file of /images/{table.numbers[first]} already"
            fix = "Join the two entries: each sees only its own objects"
            yield Finding("IMG-NAME-TWICE", f"/images/{table.numbers[row]}/file_name", problem, fix)
