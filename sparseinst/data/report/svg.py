"""SVG as text, and the frame that charts share. Colours are classes, which page.css gives a light and a dark value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

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
    """Maps values to the plot's pixels: x from 0 to `across`, y from 0 (at the bottom) to `up`."""

    across: float
    up: float

    def x(self, value: float) -> float:
        return LEFT + value / self.across * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.up * (HEIGHT - TOP - BOTTOM)

    def rows(self, ticks: Iterable[tuple[float, str]]) -> str:
        """Fine lines across, with their values on the left."""
        return "".join(
            element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=self.y(value), y2=self.y(value))
            + words(text, LEFT - 6, self.y(value) + 4, text_anchor="end")
            for value, text in ticks
        )

    def columns(self, ticks: Iterable[tuple[float, str]], title: str) -> str:
        """The values below the plot, and below them what they are."""
        marks = (words(text, self.x(value), HEIGHT - BOTTOM + 16, text_anchor="middle") for value, text in ticks)
        name = words(title, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, text_anchor="middle", class_="axis")
        return "".join(marks) + name

    def lines(self, places: Iterable[tuple[float, str]]) -> str:
        """Dashed lines from bottom to top, with their names above."""
        return "".join(
            element("line", class_="guide", x1=self.x(place), x2=self.x(place), y1=TOP, y2=HEIGHT - BOTTOM)
            + words(text, self.x(place), TOP - 6, text_anchor="middle", class_="axis")
            for place, text in places
        )


def even_ticks(most: float, count: int = 5) -> list[float]:
    """About `count` round values from 0 on, the last one not below `most`."""
    step = 10.0**-6
    factors = (2, 2.5, 2)  # 1, 2, 5, 10
    turn = 0
    while step * count < most:
        step *= factors[turn % 3]
        turn += 1
    ticks = [0.0]
    while ticks[-1] < most:
        ticks.append(round(ticks[-1] + step, 9))
    return ticks


def _short(value: float | str) -> str:
    """Two decimals are a hundredth of a pixel; the same text on every machine."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
