"""The four shapes of the sample set, drawn with smooth edges. A class is its shape and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from sparseinst.data.categories import Category

# Gaps between the ids on purpose: whoever takes an id for an index finds out at once.
CATEGORIES = (Category(1, "disc"), Category(2, "triangle"), Category(5, "cross"), Category(9, "ring"))

_SUBPIXEL_BITS = 4
_MARGIN_PX = 7  # room for the shadow that the scene adds
_CIRCLE = np.linspace(0, 2 * np.pi, 48, endpoint=False)


def draw_shape(name: str, radius_px: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """One shape in the middle of a square patch, with a random rotation, stretch and proportion.

    Args:
        name: A category's name.
        radius_px: Half the shape's diameter before it is stretched by up to 12 %.

    Returns:
        How much of each pixel is covered, uint8 [P, P] in 0..255; P is odd and leaves an empty margin.
    """
    half = int(np.ceil(radius_px * 1.15)) + _MARGIN_PX
    patch = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    rotation, stretch = rng.uniform(0, 2 * np.pi), rng.uniform(0.88, 1.12)
    outlines = [_place(outline, radius_px, rotation, stretch, half) for outline in _outlines(name, rng)]
    cv2.fillPoly(patch, outlines[:1], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    if len(outlines) > 1:
        hole = np.zeros_like(patch)
        cv2.fillPoly(hole, outlines[1:], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        patch -= np.minimum(patch, hole)
    return patch


def _outlines(name: str, rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    """The outer outline in a unit circle, float64 [V, 2], then the outline of the hole, where there is one."""
    circle = np.stack([np.cos(_CIRCLE), np.sin(_CIRCLE)], 1)
    if name == "disc":
        return [circle]
    if name == "ring":
        return [circle, circle * rng.uniform(0.45, 0.6)]
    if name == "triangle":
        angles = np.array([0.0, 2.0, 4.0]) * np.pi / 3 + rng.uniform(-0.2, 0.2, 3)
        return [np.stack([np.cos(angles), np.sin(angles)], 1)]
    if name == "cross":
        arm, width = 1.0, rng.uniform(0.26, 0.36)
        quarter = np.array([[arm, -width], [arm, width], [width, width]])
        turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
        return [np.concatenate([quarter @ np.linalg.matrix_power(turn, k) for k in range(4)])]
    raise ValueError(f"no shape is called {name!r}")


def _place(
    outline: npt.NDArray[np.float64], radius_px: float, rotation: float, stretch: float, half: int
) -> npt.NDArray[np.int32]:
    """Turns unit coordinates into the patch's pixels, in the fixed-point numbers that OpenCV wants."""
    cos, sin = np.cos(rotation), np.sin(rotation)
    stretched = outline * (radius_px * np.array([stretch, 1 / stretch]))
    turned = stretched @ np.array([[cos, sin], [-sin, cos]])
    return np.round((turned + half) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
