"""One image of the sample set with its objects, made from (seed, index) alone.

Shapes are laid over each other on a textured background. Who owns a pixel is written down while painting,
so the masks are the visible pixels: an occluder cuts pieces out of what lies below it, a ring has a real hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from sparseinst.data.sample import textures
from sparseinst.data.sample.shapes import CATEGORIES, draw_shape

SegmentationForm = Literal["polygons", "counts", "string"]

# (height, width) in pixels.
_SIZES = ((128, 128), (128, 160), (160, 128), (112, 144), (144, 112), (128, 192), (144, 144))
_RADIUS_PX = (16.0, 38.0)
_COUNT_SHARES = (0.2, 0.25, 0.25, 0.2, 0.1)  # of images with 1 to 5 objects, before some find no room
_EMPTY_EVERY, _EMPTY_AT = 50, 17
_GREY_EVERY, _GREY_AT = 25, 7
_BACKGROUND, _POLE = -1, -2
_LEAST_VISIBLE = 0.25
_LEAST_AREA_PX = 120
_COVERED = 128


@dataclass(frozen=True, slots=True)
class SampleObject:
    """A visible object: its category, its pixels (bool [H, W]) and the form in which COCO shall store them."""

    category_id: int
    mask: npt.NDArray[np.bool_]
    is_crowd: bool
    form: SegmentationForm


@dataclass(frozen=True, slots=True)
class Sample:
    """An image, uint8 RGB [H, W, 3] or grey [H, W], with the objects that can be seen in it."""

    image: npt.NDArray[np.uint8]
    objects: tuple[SampleObject, ...]


def make_image(seed: int, index: int) -> Sample:
    """Draws image `index` of the set `seed`. The same pair gives the same sample; no other image is needed for it.

    About 1 image of 50 is empty and 1 of 25 is grey, told by the index, so that even a small set has both.
    """
    # The index is a spawn key: in one list with the seed, (0, 1) and (2 ** 32, 0) would be the same numbers.
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(index,))))
    height, width = _SIZES[rng.integers(len(_SIZES))]
    scene = _Scene(rng, height, width)
    if index % _EMPTY_EVERY != _EMPTY_AT:
        for _ in range(1 + rng.choice(len(_COUNT_SHARES), p=_COUNT_SHARES)):
            scene.add_object()
        if rng.random() < 0.08:
            scene.add_crowd()
        if rng.random() < 0.12:
            scene.add_pole()
    return Sample(scene.picture(grey=index % _GREY_EVERY == _GREY_AT), scene.objects())


@dataclass(slots=True)
class _Placed:
    """An object on the canvas; `full_px` counts its pixels before anything hid them, outside the frame included."""

    category_id: int
    full_px: int
    is_crowd: bool = False


class _Scene:
    """A canvas and the owner of each of its pixels, int8 [H, W]: an object's number, or background, or pole."""

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self._rng = rng
        self._height, self._width = height, width
        self._colours = [textures.background_colour(rng)]  # of the background, then of each object
        self._canvas = textures.paint_texture(rng, height, width, self._colours[0], contrast=0.15)
        self._owner = np.full((height, width), _BACKGROUND, np.int8)
        self._placed: list[_Placed] = []

    def add_object(self) -> None:
        """Lays one shape on top where it hides little; one time in five it may hide, or lose, up to 75 %."""
        rng = self._rng
        category = CATEGORIES[rng.integers(len(CATEGORIES))]
        cover = draw_shape(category.name, rng.uniform(*_RADIUS_PX), rng)
        placed = _Placed(category.id, int(np.count_nonzero(cover >= _COVERED)))
        least = _LEAST_VISIBLE if rng.random() < 0.2 else 0.75
        for _ in range(8):
            beyond = cover.shape[0] // 4  # how far a patch may lie outside the image
            top = int(rng.integers(-beyond, self._height - cover.shape[0] + beyond + 1))
            left = int(rng.integers(-beyond, self._width - cover.shape[1] + beyond + 1))
            window, inside = self._clip(cover, top, left)
            if self._stays_visible(window, inside, placed, least):
                self._lay(window, inside, placed)
                return

    def add_crowd(self) -> None:
        """Lays a cluster of tiny discs that nobody would outline one by one: one crowd region."""
        rng = self._rng
        span = int(rng.integers(40, 60))
        cover = np.zeros((span, span), np.uint8)
        for x, y in rng.uniform(9, span - 10, (int(rng.integers(9, 17)), 2)):
            cv2.circle(cover, (round(x * 16), round(y * 16)), round(rng.uniform(40, 64)), 255, -1, cv2.LINE_AA, 4)
        placed = _Placed(CATEGORIES[0].id, int(np.count_nonzero(cover >= _COVERED)), is_crowd=True)
        for _ in range(8):
            window, inside = self._clip(
                cover, int(rng.integers(0, self._height - span)), int(rng.integers(0, self._width - span))
            )
            if self._stays_visible(window, inside, placed, 0.8):
                self._lay(window, inside, placed)
                return

    def add_pole(self) -> None:
        """Lays a bar that is no object across the whole image and over an object, which falls into parts."""
        rng = self._rng
        rows, columns = np.nonzero(self._owner >= 0)
        if not rows.size:
            return
        pixel = rng.integers(rows.size)
        middle = np.array([columns[pixel], rows[pixel]])
        angle = rng.uniform(0, np.pi)
        reach = (self._width + self._height) * np.array([np.cos(angle), np.sin(angle)])
        ends = np.round(np.stack([middle - reach, middle + reach])).astype(int).tolist()
        cover = np.zeros((self._height, self._width), np.uint8)
        cv2.line(cover, ends[0], ends[1], 255, int(rng.integers(4, 8)), cv2.LINE_AA)
        window = (slice(0, self._height), slice(0, self._width))
        if self._others_stay_visible(window, cover, _LEAST_VISIBLE):
            self._paint(window, cover, _POLE, textures.background_colour(rng))

    def picture(self, grey: bool) -> npt.NDArray[np.uint8]:
        """uint8 RGB [H, W, 3] or grey [H, W], with the faint grain of a camera."""
        grain = self._rng.standard_normal((self._height, self._width, 1), np.float32)
        rgb: npt.NDArray[np.uint8] = np.clip(self._canvas + 2 * grain, 0, 255).astype(np.uint8)
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8) if grey else rgb

    def objects(self) -> tuple[SampleObject, ...]:
        forms: tuple[SegmentationForm, ...] = ("polygons", "polygons", "string", "string", "counts")
        return tuple(
            SampleObject(
                placed.category_id, self._owner == number, placed.is_crowd, forms[self._rng.integers(len(forms))]
            )
            for number, placed in enumerate(self._placed)
        )

    def _clip(
        self, cover: npt.NDArray[np.uint8], top: int, left: int
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.uint8]]:
        """The part of a patch at (top, left) that lies inside the image: where, and its coverage."""
        bottom, right = min(top + cover.shape[0], self._height), min(left + cover.shape[1], self._width)
        first_row, first_column = max(top, 0), max(left, 0)
        window = (slice(first_row, bottom), slice(first_column, right))
        return window, cover[first_row - top : bottom - top, first_column - left : right - left]

    def _stays_visible(
        self, window: tuple[slice, slice], inside: npt.NDArray[np.uint8], placed: _Placed, least: float
    ) -> bool:
        """Whether the new object and all others would keep at least the share `least` of their pixels in sight."""
        in_frame = np.count_nonzero(inside >= _COVERED)
        if in_frame < max(least * placed.full_px, _LEAST_AREA_PX):
            return False
        return self._others_stay_visible(window, inside, least)

    def _others_stay_visible(self, window: tuple[slice, slice], inside: npt.NDArray[np.uint8], least: float) -> bool:
        hidden = np.bincount(self._owner[window][inside >= _COVERED] + 2, minlength=len(self._placed) + 2)[2:]
        for number in np.flatnonzero(hidden):
            left_px = np.count_nonzero(self._owner == number) - hidden[number]
            if left_px < max(least * self._placed[number].full_px, _LEAST_AREA_PX):
                return False
        return True

    def _lay(self, window: tuple[slice, slice], inside: npt.NDArray[np.uint8], placed: _Placed) -> None:
        rgb = textures.object_colour(self._rng, self._colours)
        self._paint(window, inside, len(self._placed), rgb)
        self._colours.append(rgb)
        self._placed.append(placed)

    def _paint(
        self,
        window: tuple[slice, slice],
        inside: npt.NDArray[np.uint8],
        owner: int,
        rgb: npt.NDArray[np.float32],
    ) -> None:
        """Blends a textured patch in, over a soft shadow, and notes who owns its pixels from now on."""
        canvas, height, width = self._canvas[window], *inside.shape
        share = inside[:, :, None] * np.float32(1 / 255)
        shadow = cv2.GaussianBlur(cv2.warpAffine(inside, _SHADOW_SHIFT, (width, height)), (7, 7), 0)
        canvas *= 1 - shadow[:, :, None] * np.float32(0.35 / 255)
        texture = textures.paint_texture(self._rng, height, width, rgb, contrast=0.25)
        canvas += share * (texture - canvas)
        self._owner[window][inside >= _COVERED] = owner


_SHADOW_SHIFT = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]], np.float32)
