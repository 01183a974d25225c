"""What is to be repaired in a file, sorted by entry, and who repairs it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sparseinst.data.checks.file import Checked
from sparseinst.data.checks.local import MOST_ID, is_int
from sparseinst.data.coco_file.reading import LISTS, CocoFile
from sparseinst.data.repair.annotations import mend_annotation
from sparseinst.data.repair.categories import mend_category, plan_categories
from sparseinst.data.repair.context import Context, References, needs_new_id
from sparseinst.data.repair.edits import Edit, Found
from sparseinst.data.repair.images import mend_image, plan_images

Mend = Callable[[int, Any, Found], list[Edit]]
FoundIn = Mapping[str, Mapping[int, Found]]
"""What is to be repaired, by the list's name and the entry's place in it."""

_ENTRY = re.compile(r"/(images|annotations|categories)/([0-9]+)(.*)")
_OF_ALL = {"ANN-AREA-NONE": "area", "ANN-BOX-NONE": "bbox"}  # findings about all annotations that lack a field
_NOTHING: Found = {}


@dataclass(frozen=True, slots=True)
class Plan:
    """The repairs of one pass over a file.

    Attributes:
        drop_mark: Whether the byte order mark goes.
        lists: The lists that may change.
        lacking: Fields that annotations may lack, by the code of the finding that says so.
        looks_at_all: Whether any annotation may change, not only those in which something was found.
    """

    drop_mark: bool
    lists: Collection[str]
    lacking: Mapping[str, str]
    looks_at_all: bool
    _found: FoundIn
    _menders: Mapping[str, Mend]

    @property
    def is_empty(self) -> bool:
        return not self.drop_mark and not self.lists

    def concerned(self, key: str, start: int, stop: int) -> Iterable[int]:
        """The places from start to stop of the entries in the list `key` that may change, ascending."""
        if key == "annotations" and self.looks_at_all:
            return range(start, stop)
        found = self._found[key]
        if stop - start < len(found):
            return (number for number in range(start, stop) if number in found)
        return sorted(number for number in found if start <= number < stop)

    def edits(self, key: str, number: int, entry: Any) -> list[Edit]:
        """What is to be done to an entry of the list `key`."""
        found = self._found[key].get(number, _NOTHING)
        if key == "annotations" and isinstance(entry, dict):
            found = {**found, **{code: [""] for code, field in self.lacking.items() if field not in entry}}
        return self._menders[key](number, entry, found)


def plan_repairs(file: CocoFile, checked: Checked, codes: Collection[str]) -> Plan:
    """Reads the file as far as the repairs need it: of each list all or nothing."""
    found = _sort(checked, codes)
    codes_found = {finding.code for finding in checked.findings} & set(codes)
    lacking = {code: field for code, field in _OF_ALL.items() if code in codes_found}
    images = _all(file, "images") if found["images"] else []
    image_plan = plan_images(images, checked.images, found["images"])
    categories = _all(file, "categories")
    category_plan = plan_categories(categories, found["categories"])
    moved, merged = dict(image_plan.joined.values()), dict(category_plan.merged.values())
    written = {entry["id"] for entry in categories if isinstance(entry, dict) and is_int(entry.get("id"))}
    references = References(
        frozenset(checked.images.ids.tolist()) - moved.keys() | set(image_plan.ids.values()),
        frozenset(written) - merged.keys() | set(category_plan.ids.values()),
        moved,
        merged,
    )
    needs_ids = any(map(needs_new_id, found["annotations"].values()))
    first_new = _largest_id(file) + 1 if needs_ids else 1
    context = Context(checked.images, checked.annotations, references, found["annotations"], first_new)
    looks_at_all = bool(moved or merged or lacking)
    return Plan(
        drop_mark="JSON-BOM" in codes_found,
        lists=[key for key in LISTS if found[key] or (key == "annotations" and looks_at_all)],
        lacking=lacking,
        looks_at_all=looks_at_all,
        _found=found,
        _menders={
            "images": partial(mend_image, plan=image_plan),
            "categories": partial(mend_category, plan=category_plan),
            "annotations": partial(mend_annotation, context=context),
        },
    )


def _sort(checked: Checked, codes: Collection[str]) -> FoundIn:
    """The findings to repair, by list and entry."""
    fractions = {finding.pointer for finding in checked.findings if finding.code == "SEG-NORMALISED"}
    found: dict[str, dict[int, dict[str, list[str]]]] = {key: {} for key in LISTS}
    for finding in checked.findings:
        entry = _ENTRY.fullmatch(finding.pointer)
        if finding.code not in codes or not entry:
            continue
        if finding.code == "SEG-NO-PIXEL" and finding.pointer in fractions:
            continue  # there is a mask, once it is read as it was meant
        found[entry[1]].setdefault(int(entry[2]), defaultdict(list))[finding.code].append(entry[3])
    return found


def _all(file: CocoFile, key: str) -> list[Any]:
    return [entry for entries in file.entries(key) for entry in entries]


def _largest_id(file: CocoFile) -> int:
    """The largest id of an annotation that fits into 64 bits, at least 0."""
    largest = 0
    for entries in file.entries("annotations"):
        ids = (entry.get("id") for entry in entries if isinstance(entry, dict))
        largest = max(value for value in (largest, *ids) if is_int(value) and value <= MOST_ID)
    return largest
