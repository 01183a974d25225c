"""The images that cost the most AP, the truth beside what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.evaluation.report.values import count, listed, real, text
from sparseinst.pages.pictures import Embedded, embedded
from sparseinst.pages.words import counted


@dataclass(frozen=True, slots=True)
class CostlyImage:
    """One image; `picture` is None where none was drawn.

    Attributes:
        facts: What it costs, and what is wrong in it.
    """

    name: str
    facts: Sequence[str]
    picture: Embedded | None

    @property
    def spoken(self) -> str:
        """For who cannot see the picture."""
        return f"{self.name}, truth on the left, prediction on the right: {'; '.join(self.facts)}"


def costly_images(metrics: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[CostlyImage]:
    """The costliest first."""
    return [
        CostlyImage(text(entry, "file_name"), _facts(entry), _picture(pictures.get(text(entry, "file_name"))))
        for entry in listed(metrics, "costly_images")
    ]


def _facts(entry: Mapping[str, Any]) -> list[str]:
    lost = real(entry, "AP_lost")
    facts = [] if lost is None else [f"costs {lost:.2g} AP" if lost > 0 else "costs no AP"]
    return [*facts, f"{count(entry, 'missed')} missed", counted(count(entry, "false"), "false detection")]


def _picture(jpeg: bytes | None) -> Embedded | None:
    if jpeg is None:
        return None
    try:
        return embedded(jpeg)
    except OSError:  # a page without it is better than none
        return None
