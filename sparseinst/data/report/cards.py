"""The cards of the report: a chart, what it says in words, and its figures as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sparseinst.data.report import charts, facts, histogram, places
from sparseinst.data.report.histogram import Histogram
from sparseinst.data.report.table import SplitTable
from sparseinst.pages.words import number

_SIZES_LISTED = 50
_ABOUT_HEAT = "The boxes of all objects laid over each other, every image stretched to a square."


def object_cards(splits: Sequence[SplitTable]) -> list[dict[str, Any]]:
    shares = [(split.name, facts.size_shares(split)) for split in splits if split.objects]
    return [
        _histogram(
            "Sizes of objects", histogram.object_sizes(splits), splits, facts.about_sizes,
            "objects", "square root of the area in pixels", shares=shares,
        ),
        _histogram(
            "Objects in an image", histogram.objects_per_image(splits), splits, facts.about_counts,
            "images", "objects in the image",
        ),
        _histogram(
            "Shapes of boxes", histogram.box_ratios(splits), splits, facts.about_boxes,
            "objects", "width : height of the box",
        ),
    ]  # fmt: skip


def image_cards(splits: Sequence[SplitTable]) -> list[dict[str, Any]]:
    names = [split.name for split in splits]
    shapes = _histogram(
        "Shapes of images", histogram.image_ratios(splits), splits, facts.about_shapes,
        "images", "width : height of the image",
    )  # fmt: skip
    maps = [places.coverage(split) for split in splits]
    drawing = charts.heat_maps(maps, names) if any(split.objects for split in splits) else ""
    heat = _chart("Where objects lie", drawing, splits, _ABOUT_HEAT)
    sizes, step = places.image_sizes(splits)
    if not sizes:
        return [shapes, _chart("Sizes of images", "", splits, "no images."), heat]
    rows = [(f"{number(size.width)} × {number(size.height)}", *size.counts) for size in sizes[:_SIZES_LISTED]]
    table = {"head": ["width × height", *names], "rows": rows}
    about = facts.about_image_sizes(splits, sizes, step)
    return [shapes, _chart("Sizes of images", charts.size_chart(sizes, names), splits, about, table), heat]


def _chart(
    title: str,
    drawing: str,
    splits: Sequence[SplitTable],
    about: Callable[[SplitTable], str] | str,
    table: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What page.html's macro `card` shows. `about` is a sentence, or makes one for each split."""
    said = [("", about)] if isinstance(about, str) else [(split.name, about(split)) for split in splits]
    return {"title": title, "drawing": drawing, "said": said, "table": table, "shares": None, **more}


def _histogram(
    title: str,
    bins: Histogram | None,
    splits: Sequence[SplitTable],
    about: Callable[[SplitTable], str],
    what: str,
    axis: str,
    **more: Any,
) -> dict[str, Any]:
    if bins is None:
        return _chart(title, "", splits, about, **more)
    names = [split.name for split in splits]
    rows = zip(bins.labels, *([int(count) for count in counts] for counts in bins.counts), strict=True)
    table = {"head": [axis, *names], "rows": list(rows)}
    return _chart(title, charts.histogram_chart(bins, names, what, axis), splits, about, table, **more)
