"""A bar with a name and a figure: a row of a table that is its own chart, on any screen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Track:
    """One row.

    Attributes:
        name: May be the users' own; it is escaped.
        figure: The value as it is said.
        length: Of the bar, in percent of the track.
        about: What the name means, or why there is no figure.
        more: Further columns.
        badge: A word that singles the row out.
        colour: A class of base.css.
        fix: What to do about it.
    """

    name: str
    figure: str
    length: float
    about: str = ""
    more: tuple[str, ...] = ()
    badge: str = ""
    colour: str = "s0"
    fix: str = ""
