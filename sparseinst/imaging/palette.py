"""Colours that neighbours in a picture can be told apart by, also by most colour-blind people."""

from __future__ import annotations

import colorsys
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

# Hues chosen far apart one after the other, in alternating lightness; sky and grass are the usual backgrounds, so
# warm colours come first.
_FIRST = (
    "#ff5a36", "#00b4ff", "#ffd400", "#c238ff", "#00d68f", "#ff3d9a",
    "#4f6bff", "#ff9500", "#00e0e0", "#a4e800", "#ff8fa3", "#8f5cff",
)  # fmt: skip
_GOLDEN_RATIO = 0.618034  # steps of it spread any number of hues evenly


def colour(index: int) -> Colour:
    """The RGB colour of the index-th object, each 0..255."""
    if index < len(_FIRST):
        code = _FIRST[index].lstrip("#")
        return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)
    hue = (index * _GOLDEN_RATIO) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.65 + 0.3 * (index % 2), 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def ink_on(background: Colour) -> Colour:
    """Near-black or white, whichever is easier to read on the background."""
    red, green, blue = background
    return (24, 24, 27) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)
