"""The list of categories: ids and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.local import Local, check_id, is_clean, shorten
from sparseinst.data.checks.tables import Ids


def check_categories(entries: list[Any]) -> tuple[list[Finding], list[int], list[Category]]:
    """Findings about the categories, the ids that are written, and the sound categories sorted by id."""
    findings: list[Finding] = []
    numbers: list[int] = []
    ids: list[int] = []
    known: set[int] = set()
    sound: list[tuple[int, Category]] = []
    for number, entry in enumerate(entries):
        found = list(_check_entry(entry))
        findings += [f.at(f"/categories/{number}") for f in found]
        if isinstance(entry, dict) and check_id(entry) is None:
            numbers.append(number)
            if not found and entry["id"] not in known:
                sound.append((number, Category(entry["id"], entry["name"])))
            ids.append(entry["id"])
            known.add(entry["id"])
    if not entries:
        findings.append(Finding("CAT-NONE", "/categories", "there are no categories", "Name at least one class"))
    for later, first in Ids(np.array(ids, np.int64)).repeated():
        problem = f"id {ids[later]} is taken by /categories/{numbers[first]}"
        findings.append(Finding("ID-TWICE", f"/categories/{numbers[later]}/id", problem, "Give it an id of its own"))
    findings += _check_names(sound)
    findings += _check_gaps(ids)
    return findings, ids, sorted((category for _, category in sound), key=lambda category: category.id)


def _check_entry(entry: Any) -> Iterator[Local]:
    if not isinstance(entry, dict):
        yield Local(
            "JSON-TYPE", "", f"the category is {shorten(entry)}, not an object", "Export the data as COCO again"
        )
        return
    wrong_id = check_id(entry)
    if wrong_id:
        yield wrong_id
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        found = f"is {shorten(name)}" if "name" in entry else "is missing"
        yield Local("JSON-TYPE", "/name", f"'name' {found}", "It must be a text")
    elif not is_clean(name):
        yield Local("JSON-TYPE", "/name", f"'name' is {shorten(name)}", "It must be a text without control characters")


def _check_names(sound: Sequence[tuple[int, Category]]) -> Iterator[Finding]:
    first_named: dict[str, tuple[int, Category]] = {}
    for number, category in sound:
        pointer = f"/categories/{number}/name"
        if category.name != category.name.strip():
            problem = f"there are spaces around {shorten(category.name)}"
            yield Finding("CAT-NAME-ALIKE", pointer, problem, "Write the name without them")
        first, other = first_named.setdefault(category.name.strip().casefold(), (number, category))
        if other.name == category.name and first != number:
            problem = f"{shorten(category.name)} is the name of /categories/{first} too"
            yield Finding("CAT-NAME-TWICE", pointer, problem, "Merge the two classes, or give each its own name")
        elif other.name.strip() != category.name.strip():
            problem = f"{shorten(category.name)} differs from {shorten(other.name)} of /categories/{first} only in case"
            yield Finding("CAT-NAME-ALIKE", pointer, problem, "Merge the two classes, or give each its own name")


def _check_gaps(ids: Sequence[int]) -> Iterator[Finding]:
    known = sorted(set(ids))
    if known and known != list(range(1, len(known) + 1)):
        problem = f"the ids of the {len(known)} categories run from {known[0]} to {known[-1]}"
        fix = "Nothing needs to be done: class indices are places in the sorted list, and ids are mapped back"
        yield Finding("CAT-GAP", "/categories", problem, fix)
