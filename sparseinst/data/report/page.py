"""Writes the report: one HTML file with everything in it.

The same input gives the same bytes: there is no date and no place in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.categories import Category
from sparseinst.data.checks.findings import Finding, counts
from sparseinst.data.report import classes, problems
from sparseinst.data.report.cards import image_cards, object_cards
from sparseinst.data.report.charts import split_class
from sparseinst.data.report.gallery import Picture
from sparseinst.data.report.table import SplitTable
from sparseinst.pages.page import render_page, write_page
from sparseinst.pages.pictures import embedded
from sparseinst.pages.words import counted, joined

NAME = "report.html"
_FIRST_CLASSES = 30  # what is seen of the class histogram before one asks for all of it


def write_report(
    path: Path,
    *,
    title: str,
    categories: Sequence[Category],
    splits: Sequence[SplitTable],
    findings: Sequence[Finding],
    gallery: Sequence[Picture],
) -> None:
    """Writes the report's page.

    Args:
        title: What people call the dataset.
        categories: Sorted by id; `SplitTable.category` counts in them.
        splits: At least one, train first.
        gallery: As made with `choose_pictures`, `draw_picture` and `describe`; about 60 KB each in the page.
    """
    page = render(title=title, categories=categories, splits=splits, findings=findings, gallery=gallery)
    write_page(path, page)


def render(
    *,
    title: str,
    categories: Sequence[Category],
    splits: Sequence[SplitTable],
    findings: Sequence[Finding],
    gallery: Sequence[Picture],
) -> str:
    """The page as text."""
    names = [split.name for split in splits]
    verdict, verdict_text = problems.verdict(findings)
    return render_page(
        __package__,
        {"split_class": split_class},
        title=title,
        names=names,
        lead=_lead(categories, splits),
        figures=_figures(splits, len(categories)),
        verdict=verdict,
        verdict_text=verdict_text,
        severities=[(severity, count) for severity, count in counts(findings).items()],
        classes=_classes(categories, splits),
        object_charts=object_cards(splits),
        image_charts=image_cards(splits),
        pictures=[_shown(picture, names) for picture in gallery],
        groups=problems.grouped(findings),
        spelled=problems.spelled(findings),
    )


def _lead(categories: Sequence[Category], splits: Sequence[SplitTable]) -> str:
    parts = [counted(sum(split.objects for split in splits), "object")]
    parts.append("in " + counted(sum(split.images for split in splits), "image"))
    parts.append("of " + counted(len(categories), "class", "classes"))
    return " ".join(parts) + (f", in {joined([split.name for split in splits])}" if len(splits) > 1 else "")


def _figures(splits: Sequence[SplitTable], classes: int) -> list[tuple[str, list[int]]]:
    """(what, one number a split): the large figures at the head."""
    return [
        ("Images", [split.images for split in splits]),
        ("Objects", [split.objects for split in splits]),
        ("Crowd regions", [split.crowds for split in splits]),
        ("Classes shown", [int((split.objects_per_class(classes) > 0).sum()) for split in splits]),
    ]


def _classes(categories: Sequence[Category], splits: Sequence[SplitTable]) -> dict[str, Any]:
    rows = classes.class_rows(categories, splits)
    names = [split.name for split in splits]
    return {
        "rows": rows,
        "first": _FIRST_CLASSES,
        "sentences": classes.about_classes(rows),
        "missing": classes.missing_classes(rows, names),
    }


def _shown(picture: Picture, names: Sequence[str]) -> dict[str, Any]:
    return {
        "picture": picture,
        "split_index": names.index(picture.split) if picture.split in names else 0,
        "image": embedded(picture.jpeg),
    }
