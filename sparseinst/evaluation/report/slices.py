"""Parts of the images: crowded ones and empty ones, and the tags that people gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.report.track import Track
from sparseinst.evaluation.report.values import NOTHING, count, length, listed, part, real, score, signed, text
from sparseinst.pages.words import counted, number

_TITLES = {"crowding": "By objects in the image", "tag": "By tag"}
_MOST = 40  # slices of a kind
_WEAK = 0.9  # of the AP of all, to be worth a sentence


def slice_groups(metrics: Mapping[str, Any], comparison: Mapping[str, Any]) -> list[tuple[list[str], list[Track]]]:
    """(headings, rows) for each way of cutting, the first heading its title.

    Crowding keeps its order; of tags the lowest AP comes first.
    """
    worst = _key(part(metrics, "worst_slice"))
    changes = {_key(entry): real(entry, "difference") for entry in listed(comparison, "slices")}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in listed(metrics, "slices"):
        groups.setdefault(text(entry, "by"), []).append(entry)
    columns = ["", "AP", "AP50", *(["Change"] if changes else []), "Images", "Objects"]
    return [
        (
            [_TITLES.get(by, f"By {by}"), *columns],
            [_track(entry, worst, changes) for entry in _in_order(by, found)[:_MOST]],
        )
        for by, found in groups.items()
    ]


def about_worst(metrics: Mapping[str, Any]) -> str:
    """The weakest part of the images; empty where none is named."""
    worst, all_of_them = part(metrics, "worst_slice"), real(metrics, "AP")
    ap = real(worst, "AP")
    if ap is None or all_of_them is None or ap > _WEAK * all_of_them:
        return ""
    size = f"{counted(count(worst, 'images'), 'image')}, {counted(count(worst, 'instances'), 'object')}"
    return f"{label(worst)}: AP {score(ap)}, against {score(all_of_them)} for all ({size})."


def label(entry: Mapping[str, Any]) -> str:
    """A slice where it stands alone: "Images with 3-9 objects"."""
    by, name = text(entry, "by"), text(entry, "name")
    if by == "crowding":
        return f"Images with {name} objects"
    return f"Images tagged “{name}”" if by == "tag" else f"{by.capitalize()} “{name}”"


def _in_order(by: str, found: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if by == "crowding":
        return found
    return sorted(found, key=lambda entry: (real(entry, "AP") is None, real(entry, "AP") or 0.0, text(entry, "name")))


def _key(entry: Mapping[str, Any]) -> tuple[str, str]:
    return text(entry, "by"), text(entry, "name")


def _track(entry: Mapping[str, Any], worst: tuple[str, str], changes: Mapping[tuple[str, str], float | None]) -> Track:
    ap = real(entry, "AP")
    change = (signed(changes.get(_key(entry))),) if changes else ()
    return Track(
        text(entry, "name") or NOTHING,
        score(ap),
        length(ap),
        more=(score(real(entry, "AP50")), *change, number(count(entry, "images")), number(count(entry, "instances"))),
        badge="weakest" if _key(entry) == worst else "",
    )
