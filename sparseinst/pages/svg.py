"""SVG as text, and the frame that charts share. Colours are classes, which base.css gives a light and a dark value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 380, 216  # about the pixels that a chart has on any screen, so that its text is never tiny
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 18, 40  # the axes' margins


def element(name: str, *inside: str, **attributes: float | str) -> str:
    """One element. `inside` is SVG already; attributes are escaped: `data_tip` becomes data-tip, `class_` class."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def words(text: str, x: float, y: float, **attributes: float | str) -> str:
    return element("text", escape(text), x=x, y=y, **attributes)


def chart(description: str, *inside: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    """The whole picture. Who cannot see it hears the description; the page has its figures as a table, too."""
    return element("svg", *inside, class_="chart", viewBox=f"0 0 {width} {height}", role="img", aria_label=description)


@dataclass(frozen=True, slots=True)
class Frame:
    """Maps values to the plot's pixels: x from 0 to `across`, y from `low` (at the bottom) to `up`."""

    across: float
    up: float
    low: float = 0.0
    width: int = WIDTH
    height: int = HEIGHT
    right: int = RIGHT

    @property
    def end(self) -> float:
        """Where the plot ends on the right."""
        return self.width - self.right

    @property
    def ground(self) -> float:
        """Where the plot ends at the bottom."""
        return self.height - BOTTOM

    def x(self, value: float) -> float:
        return LEFT + value / self.across * (self.end - LEFT)

    def y(self, value: float) -> float:
        return self.ground - (value - self.low) / (self.up - self.low) * (self.ground - TOP)

    def rows(self, ticks: Iterable[tuple[float, str]]) -> str:
        """Fine lines across, with their values on the left."""
        return "".join(
            element("line", class_="grid", x1=LEFT, x2=self.end, y1=self.y(value), y2=self.y(value))
            + words(text, LEFT - 6, self.y(value) + 4, text_anchor="end")
            for value, text in ticks
        )

    def columns(self, ticks: Iterable[tuple[float, str]], title: str) -> str:
        """The values below the plot, and below them what they are."""
        marks = (words(text, self.x(value), self.ground + 16, text_anchor="middle") for value, text in ticks)
        name = words(title, (LEFT + self.end) / 2, self.height - 6, text_anchor="middle", class_="axis")
        return "".join(marks) + name

    def lines(self, places: Iterable[tuple[float, str]]) -> str:
        """Dashed lines from bottom to top, with their names above."""
        return "".join(
            element("line", class_="guide", x1=self.x(place), x2=self.x(place), y1=TOP, y2=self.ground)
            + words(text, self.x(place), TOP - 6, text_anchor="middle", class_="axis")
            for place, text in places
        )

    def hit(self, start: float, end: float, tip: str) -> str:
        """An invisible column between two places on the x axis, which tells something."""
        left, right = self.x(start), self.x(end)
        return element("rect", class_="hit", x=left, y=TOP, width=right - left, height=self.ground - TOP, data_tip=tip)


def even_ticks(most: float, low: float = 0.0, count: int = 5) -> list[float]:
    """About `count` round values, the first not above `low` and the last not below `most`."""
    span = most - low if most > low else 1.0
    step = 10.0 ** floor(log10(span / count))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if step * factor * count >= span * (1 - 1e-9))
    first, last = floor(round(low / step, 6)), ceil(round((low + span) / step, 6))
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def _short(value: float | str) -> str:
    """Two decimals are a hundredth of a pixel; the same text on every machine."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
