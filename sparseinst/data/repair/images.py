"""Repairs of the list of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.data.checks.tables import ImageTable
from sparseinst.data.repair.edits import Edit, Found, deletion
from sparseinst.data.repair.numbers import plain_number, unambiguous_ids, without_nothing
from sparseinst.data.repair.twins import equal_entries
from sparseinst.data.sources.layout import plain_path


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What only a look at all images can tell; keys are places in the list.

    Attributes:
        ids: New ids.
        names: New file names.
        equal: Entries that are there twice.
        joined: Entries that go into an earlier one of the same file: (their own id, the earlier one's).
    """

    ids: Mapping[int, int]
    names: Mapping[int, str]
    equal: set[int]
    joined: Mapping[int, tuple[int, int]]


def plan_images(entries: Sequence[Any], table: ImageTable, found: Mapping[int, Found]) -> ImagePlan:
    """`entries` are all images; they may be left out where nothing is found in any."""
    return ImagePlan(
        unambiguous_ids(entries, found), _free_names(table, found), equal_entries(entries, found), _joined(table, found)
    )


def mend_image(number: int, entry: Any, found: Found, plan: ImagePlan) -> list[Edit]:
    if entry is None and "JSON-TYPE" in found:
        return [deletion("JSON-TYPE", "null is no image")]
    if number in plan.equal:
        return [deletion("ID-TWICE", "an earlier entry says the same")]
    if number in plan.joined:
        own, earlier = plan.joined[number]
        return [deletion("IMG-NAME-TWICE", f"joined with image {earlier}: the annotations of image {own} go there")]
    if not isinstance(entry, dict):
        return []
    return without_nothing(
        [
            plain_number(entry, "id", found) if number in plan.ids else None,
            _side(entry, "height", found),
            _side(entry, "width", found),
            _name(number, plan),
        ]
    )


def _side(entry: Mapping[str, Any], key: str, found: Found) -> Edit | None:
    edit = plain_number(entry, key, found)
    return edit if edit and edit.after > 0 else None


def _name(number: int, plan: ImagePlan) -> Edit | None:
    reason = "the same path, without what leads out of the data set's folder"
    return Edit("IMG-NAME-OUT", "file_name", plan.names[number], reason) if number in plan.names else None


def _free_names(table: ImageTable, found: Mapping[int, Found]) -> dict[int, str]:
    outside = {number for number, places in found.items() if "IMG-NAME-OUT" in places}
    taken = set(table.names) if outside else set()
    new = {}
    for number, name in zip(table.numbers.tolist(), table.names, strict=True) if outside else ():
        plain = plain_path(name)
        if number in outside and plain and plain not in taken:
            new[number] = plain
            taken.add(plain)
    return new


def _joined(table: ImageTable, found: Mapping[int, Found]) -> dict[int, tuple[int, int]]:
    """Only images of one size with ids of their own are joined: else nobody knows which annotation is whose."""
    later = {number for number, places in found.items() if "IMG-NAME-TWICE" in places}
    if not later:
        return {}
    times = Counter(table.ids.tolist())
    first: dict[str, int] = {}
    joined = {}
    for row, (number, name) in enumerate(zip(table.numbers.tolist(), table.names, strict=True)):
        before = first.setdefault(name, row)
        sizes = [(int(table.heights[place]), int(table.widths[place])) for place in (before, row)]
        ids = [int(table.ids[place]) for place in (row, before)]
        if number in later and sizes[0] == sizes[1] != (0, 0) and all(times[identity] == 1 for identity in ids):
            joined[number] = (ids[0], ids[1])
    return joined
