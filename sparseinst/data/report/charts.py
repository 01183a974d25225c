"""The report's charts as SVG. Splits have the colours s0, s1, … of page.css and are compared by shares."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10, sqrt

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.report.histogram import Histogram
from sparseinst.data.report.places import CELLS, Size
from sparseinst.pages.svg import TOP, WIDTH, Frame, chart, element, even_ticks, words
from sparseinst.pages.words import joined, number, percent, shortened

COLOURS = 4  # in page.css; further splits begin again
_LARGEST_PX = 15  # radius of the most frequent image size
_SHADES = 8
_LONGEST_NAME = 24  # letters that fit over a heat map


def split_class(index: int) -> str:
    return f"s{index % COLOURS}"


def histogram_chart(histogram: Histogram, names: Sequence[str], what: str, axis: str) -> str:
    """Bars for the first split, an outline for each further one; each split's shares add up to 100 %."""
    shares = [counts / max(1, int(counts.sum())) for counts in histogram.counts]
    ticks = even_ticks(max(float(share.max()) for share in shares))
    frame = Frame(len(histogram.labels), ticks[-1])
    drawn = [_bars(frame, shares[0]), *(_outline(frame, share, index) for index, share in enumerate(shares[1:], 1))]
    return chart(
        f"Histogram of {axis} for {joined(names)}; the figures are in the table below it.",
        frame.rows((tick, f"{100 * tick:g} %") for tick in ticks),
        *drawn,
        frame.lines(histogram.lines),
        frame.columns(histogram.ticks, axis),
        _hover(frame, histogram, shares, names, what),
    )


def _bars(frame: Frame, shares: NDArray[np.float64]) -> str:
    return "".join(
        element(
            "rect",
            class_=f"fill {split_class(0)}",
            x=frame.x(place) + 0.5,
            y=frame.y(share),
            width=frame.x(1) - frame.x(0) - 1,
            height=frame.y(0) - frame.y(share),
        )
        for place, share in enumerate(shares.tolist())
        if share
    )


def _outline(frame: Frame, shares: NDArray[np.float64], index: int) -> str:
    steps = [f"M{frame.x(0):.1f} {frame.y(0):.1f}"]
    for place, share in enumerate(shares.tolist()):
        steps.append(f"V{frame.y(share):.1f}H{frame.x(place + 1):.1f}")
    return element("path", class_=f"line {split_class(index)}", d="".join(steps) + f"V{frame.y(0):.1f}")


def _hover(
    frame: Frame, histogram: Histogram, shares: Sequence[NDArray[np.float64]], names: Sequence[str], what: str
) -> str:
    """An invisible column over each bin that tells what the bin holds."""
    columns = []
    for place, label in enumerate(histogram.labels):
        lines = [
            f"{name}: {number(int(counts[place]))} {what} ({percent(float(share[place]))})"
            for name, counts, share in zip(names, histogram.counts, shares, strict=True)
        ]
        columns.append(frame.hit(place, place + 1, "\n".join([label, *lines])))
    return "".join(columns)


def size_chart(sizes: Sequence[Size], names: Sequence[str]) -> str:
    """A bubble for each image size, its area as large as the number of images."""
    most = max(sum(size.counts) for size in sizes)
    across, up = (even_ticks(max(1, *sides)) for sides in ([s.width for s in sizes], [s.height for s in sizes]))
    frame = Frame(across[-1] * 1.06, up[-1] * 1.06)
    side = min(across[-1], up[-1])
    square = element("line", class_="guide", x1=frame.x(0), y1=frame.y(0), x2=frame.x(side), y2=frame.y(side)) + words(
        "1:1", frame.x(side) + 3, frame.y(side) - 3, class_="axis"
    )
    bubbles = (
        element(
            "circle",
            class_="bubble",
            cx=frame.x(size.width),
            cy=frame.y(size.height),
            r=max(2.2, _LARGEST_PX * sqrt(sum(size.counts) / most)),
            data_tip="\n".join(
                [
                    f"{number(size.width)} × {number(size.height)} px",
                    *(f"{name}: {number(count)} images" for name, count in zip(names, size.counts, strict=True)),
                ]
            ),
        )
        for size in sizes
    )
    return chart(
        "Image sizes: widths to the right, heights upwards; the figures are in the table below it.",
        frame.rows((tick, number(tick)) for tick in up),
        square,
        *bubbles,
        frame.columns(((tick, number(tick)) for tick in across), "width in pixels (upwards: height)"),
    )


def heat_maps(maps: Sequence[NDArray[np.float64]], names: Sequence[str]) -> str:
    """A square for each of the first two splits: the stronger the colour, the more objects' boxes reach there."""
    side, gap = 164, 20
    shown = list(zip(maps, names, strict=True))[:2]
    start = (WIDTH - len(shown) * side - (len(shown) - 1) * gap) / 2
    squares = []
    for index, (share, name) in enumerate(shown):
        most = float(share.max())
        middle = start + index * (side + gap) + side / 2
        squares.append(
            element(
                "g",
                element("rect", class_="ground", width=CELLS, height=CELLS),
                *_shades(share / most if most else share),
                transform=f"translate({middle - side / 2:g} {TOP + 4}) scale({side / CELLS:g})",
            )
        )
        squares.append(
            words(
                shortened(name, _LONGEST_NAME),
                middle,
                TOP - 4,
                text_anchor="middle",
                class_=f"axis ink {split_class(index)}",
            )
        )
        squares.append(words(f"at most {percent(most)} of objects", middle, TOP + side + 20, text_anchor="middle"))
    return chart(f"Where the objects of {joined([name for _, name in shown])} lie in the images.", *squares)


def _shades(share: NDArray[np.float64]) -> list[str]:
    """One path for all cells of a shade: a tenth of the text that a rectangle for each cell would be."""
    levels = np.ceil(share * _SHADES).astype(int)
    paths = []
    for level in range(1, _SHADES + 1):
        cells = "".join(f"M{column} {row}h1v1h-1z" for row, column in np.argwhere(levels == level).tolist())
        if cells:
            paths.append(
                element("path", class_="shade", shape_rendering="crispEdges", d=cells, fill_opacity=level / _SHADES)
            )
    return paths


def log_length(share: float, least: float, most: float) -> float:
    """The length of a bar on a logarithmic axis that begins a little below `least`, in [0, 1]."""
    if share <= 0:
        return 0.0
    return log10(share / least * 1.5) / log10(most / least * 1.5)
