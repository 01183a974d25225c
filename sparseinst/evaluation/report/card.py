"""A card of the page: a chart, what it says in words, and its figures as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Card:
    """What page.html shows of one; without a drawing it says that there is nothing to draw.

    Attributes:
        drawing: SVG.
        about: A sentence.
        table: "head" and "rows" of the figures.
        legend: (classes of the sign, what it stands for).
    """

    title: str
    drawing: str = ""
    about: str = ""
    table: Mapping[str, Any] | None = None
    legend: Sequence[tuple[str, str]] = ()
