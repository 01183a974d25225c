"""Repairs of the list of categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.data.repair.edits import Edit, Found, deletion
from sparseinst.data.repair.numbers import plain_number, unambiguous_ids, without_nothing
from sparseinst.data.repair.twins import equal_entries


@dataclass(frozen=True, slots=True)
class CategoryPlan:
    """What only a look at all categories can tell; keys are places in the list.

    Attributes:
        ids: New ids.
        names: New names.
        equal: Entries that are there twice.
        merged: Classes that go into an earlier one of the same name: (their own id, the earlier one's).
    """

    ids: Mapping[int, int]
    names: Mapping[int, str]
    equal: set[int]
    merged: Mapping[int, tuple[int, int]]


def plan_categories(entries: Sequence[Any], found: Mapping[int, Found]) -> CategoryPlan:
    return CategoryPlan(
        unambiguous_ids(entries, found),
        _free_names(entries, found),
        equal_entries(entries, found),
        _merged(entries, found),
    )


def mend_category(number: int, entry: Any, found: Found, plan: CategoryPlan) -> list[Edit]:
    if entry is None and "JSON-TYPE" in found:
        return [deletion("JSON-TYPE", "null is no category")]
    if number in plan.equal:
        return [deletion("ID-TWICE", "an earlier entry says the same")]
    if number in plan.merged:
        own, earlier = plan.merged[number]
        return [deletion("CAT-NAME-TWICE", f"merged into category {earlier}: the objects of category {own} go there")]
    if not isinstance(entry, dict):
        return []
    return without_nothing([plain_number(entry, "id", found) if number in plan.ids else None, _name(number, plan)])


def _name(number: int, plan: CategoryPlan) -> Edit | None:
    if number not in plan.names:
        return None
    return Edit("CAT-NAME-ALIKE", "name", plan.names[number], "the same name, without the spaces around it")


def _free_names(entries: Sequence[Any], found: Mapping[int, Found]) -> dict[int, str]:
    """Names without spaces around them, where that makes no two names equal."""
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    times = Counter(name.strip() for name in names if isinstance(name, str))
    new = {}
    for number, places in found.items():
        name = names[number]
        if "CAT-NAME-ALIKE" in places and isinstance(name, str) and name != name.strip() and times[name.strip()] == 1:
            new[number] = name.strip()
    return new


def _merged(entries: Sequence[Any], found: Mapping[int, Found]) -> dict[int, tuple[int, int]]:
    """Only categories with ids of their own are merged."""
    times = Counter(entry.get("id") for entry in entries if isinstance(entry, dict) and type(entry.get("id")) is int)
    merged = {}
    for number in (number for number, places in found.items() if "CAT-NAME-TWICE" in places):
        own = entries[number]
        first = next((entry for entry in entries[:number] if _is_sound(entry) and entry["name"] == own["name"]), None)
        if first is not None and times[own["id"]] == times[first["id"]] == 1:
            merged[number] = (own["id"], first["id"])
    return merged


def _is_sound(entry: Any) -> bool:
    return isinstance(entry, dict) and type(entry.get("id")) is int and isinstance(entry.get("name"), str)
