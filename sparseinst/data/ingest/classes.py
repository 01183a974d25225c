"""One list of categories for all annotation files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.local import shorten
from sparseinst.data.ingest.gather import AnnotationFile


def joined_categories(files: Sequence[AnnotationFile]) -> tuple[list[Category], list[Finding]]:
    """The categories of all files, sorted by id, and findings where files contradict each other.

    Tools often leave out the classes that a split does not show: what only one file has is taken over.
    """
    by_id: dict[int, tuple[Category, str]] = {}
    by_name: dict[str, tuple[Category, str]] = {}
    findings: list[Finding] = []
    for file in files:
        own: set[str] = set()  # a file that names two classes alike has a finding of its own
        for category in file.checked.categories:
            other, where = by_id.setdefault(category.id, (category, file.name))
            same, there = by_name.setdefault(category.name, (category, file.name))
            if other != category:
                problem = f"id {category.id} is {shorten(category.name)} here and {shorten(other.name)} in {where}"
                findings.append(_contradiction(problem, file))
            elif same != category and category.name not in own:
                problem = f"{shorten(category.name)} has the id {category.id} here and {same.id} in {there}"
                findings.append(_contradiction(problem, file))
            own.add(category.name)
    categories = [by_id[identity][0] for identity in sorted(by_id)]
    return categories, [*findings, *_only_in_val(files, categories)]


def _contradiction(problem: str, file: AnnotationFile) -> Finding:
    fix = "Write the same categories into all files; a category may have no annotation"
    return Finding("CAT-SPLIT", "/categories", problem, fix, file.name)


def _only_in_val(files: Sequence[AnnotationFile], categories: Sequence[Category]) -> Iterator[Finding]:
    shown: dict[str, set[int]] = {"train": set(), "val": set(), "all": set()}
    for file in files:
        table = file.checked.annotations
        places = np.unique(table.categories[~table.crowds]).tolist()
        shown[file.split] |= {file.checked.categories[place].id for place in places}
    last = files[-1].name
    for category in categories:
        if category.id in shown["val"] and category.id not in shown["train"]:
            problem = f"val shows {shorten(category.name)} (id {category.id}), train does not"
            fix = "Put some of its images into train, or drop the class: ingest --drop NAME"
            yield Finding("CAT-VAL-ONLY", "/categories", problem, fix, last)
