"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence

_NARROW = "\u202f"  # a space that is narrow and where no line breaks: SI's separator of thousands


def number(value: float) -> str:
    """1234567 as "1 234 567"; fractions keep three significant digits."""
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}".replace(",", _NARROW)
    return f"{value:.3g}"


def percent(share: float) -> str:
    """0.4137 as "41 %". Shares that would be rounded to nothing or to all say so."""
    value = 100 * share
    if 0 < value < 0.1:
        return f"<{_NARROW}0.1{_NARROW}%"
    if 99.9 < value < 100:
        return f">{_NARROW}99.9{_NARROW}%"
    return f"{value:.1f}{_NARROW}%" if 0 < value < 10 or 99 < value < 100 else f"{value:.0f}{_NARROW}%"


def counted(count: int, one: str, several: str = "") -> str:
    """1 as "1 object", 2 as "2 objects"."""
    return f"{number(count)} {one if count == 1 else several or one + 's'}"


def ratio(value: float) -> str:
    """Width divided by height as "1.5:1" or "1:1.5"."""
    if 0.995 < value < 1.005:
        return "1:1"
    return f"{value:.3g}:1" if value > 1 else f"1:{1 / value:.3g}"


def duration(seconds: float) -> str:
    """For people: "40 s", "12 min", "3.4 h", "2.1 days"."""
    for most, unit, name in ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < most:
            value = seconds / unit
            return f"{value:.1f}{_NARROW}h" if name == "h" else f"{value:.0f}{_NARROW}{name}"
    return f"{seconds / 86400:.1f}{_NARROW}days"


def shortened(text: str, most: int) -> str:
    """At most so many letters, the last one "…" where something was cut off."""
    return text if len(text) <= most else text[: most - 1] + "…"


def joined(parts: Sequence[str]) -> str:
    """A list in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
