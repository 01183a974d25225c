"""Textures of the sample set: a pattern between two colours. Any texture may lie on any shape."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

_KINDS = ("stripes", "checks", "noise", "gradient")


def object_colour(rng: np.random.Generator, others_rgb: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """A lively RGB colour, float32 [3] in 0..255; of a few drawn, one that differs visibly from all others."""
    for _ in range(8):
        rgb = _from_hsv(rng.uniform(0, 1), rng.uniform(0.45, 0.9), rng.uniform(0.6, 1.0))
        if np.abs(np.stack(others_rgb) - rgb).sum(1).min() > 160:
            break
    return rgb


def background_colour(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A quiet RGB colour, float32 [3] in 0..255."""
    return _from_hsv(rng.uniform(0, 1), rng.uniform(0.08, 0.4), rng.uniform(0.25, 0.9))


def paint_texture(
    rng: np.random.Generator, height: int, width: int, rgb: npt.NDArray[np.float32], contrast: float
) -> npt.NDArray[np.float32]:
    """Covers a rectangle with a random pattern between `rgb` and a lighter or darker neighbour of it.

    Returns:
        float32 [height, width, 3] in 0..255.
    """
    kind = _KINDS[rng.integers(len(_KINDS))]
    pattern = _pattern(kind, rng, height, width)
    shift = contrast * (-1 if rgb.mean() > 110 else 1)
    other = np.clip(rgb * (1 + shift) + rng.uniform(-15, 15, 3).astype(np.float32), 0, 255)
    return rgb + pattern[:, :, None] * (other - rgb)


def _pattern(kind: str, rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    """float32 [height, width] in 0..1."""
    if kind == "noise":
        cell = rng.uniform(6, 14)
        grid = rng.random((int(height / cell) + 2, int(width / cell) + 2), np.float32)
        smooth = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth, 0, 1).astype(np.float32)
    angle = rng.uniform(0, np.pi)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    if kind == "gradient":
        low, high = along.min(), along.max()
        return (along - low) / max(high - low, np.float32(1))
    frequency = np.float32(2 * np.pi / rng.uniform(8, 18))
    wave = np.sin(along * frequency)
    if kind == "checks":
        across = y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))
        wave = wave * np.sin(across * frequency) * 2
    return np.clip(0.5 + 1.5 * wave, 0, 1)


def _from_hsv(hue: float, saturation: float, value: float) -> npt.NDArray[np.float32]:
    """RGB in 0..255 of a hue, saturation and value in 0..1."""
    distance = np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    return (255 * value * (1 - saturation * (1 - np.clip(distance, 0, 1)))).astype(np.float32)
