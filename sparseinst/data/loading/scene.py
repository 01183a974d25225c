"""An image with its objects on the way to an example: what a transform moves together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sparseinst.data.loading.example import Target
from sparseinst.data.loading.outlines import Outlines
from sparseinst.masks.coco import Rle, Segmentation, segmentation_to_rle
from sparseinst.masks.paint import paint, polygon_runs, rle_runs
from sparseinst.torchvision_import import functional, tv_tensors

Mask: TypeAlias = npt.NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]
Shape: TypeAlias = Segmentation | list[npt.NDArray[np.float64]]  # polygons as lists or as arrays
T = TypeVar("T", bound=tv_tensors.TVTensor)


class Window(NamedTuple):
    """The part of an image that a crop keeps, in pixels of that image. Its edges may lie between pixels."""

    top: float
    left: float
    height: float
    width: float

    def part(self, top: float, left: float, height: float, width: float, of: Size) -> Window:
        """What a crop keeps of this part after it was resized to `of`."""
        down, right = self.height / of[0], self.width / of[1]
        return Window(self.top + top * down, self.left + left * right, height * down, width * right)


@dataclass(frozen=True, slots=True)
class Scene:
    """Objects are polygons or pixels (RLE).

    Polygons are transformed and drawn at the very end, at the size that the network sees. Masks of pixels keep their
    own resolution, with a note which part of them is shown, and are sampled once at the very end; after a crop the
    authors' loader samples twice.

    Attributes:
        image: uint8 RGB [3, h, w]; in memory the channels of a pixel lie together, as decoders leave them.
        classes: int64 [m].
        outlines: All corners of all polygons.
        corners: Of each polygon, how many of them it has.
        polygon_objects: Of each polygon, which object it is a part of.
        pixels: uint8 [k, h0, w0], the masks of the objects that are no polygons.
        pixel_objects: Which objects they are.
        window: What the image shows of `pixels`; None: all.
    """

    image: tv_tensors.Image
    classes: npt.NDArray[np.int64]
    outlines: Outlines
    corners: npt.NDArray[np.int64]
    polygon_objects: list[int]
    pixels: tv_tensors.Mask
    pixel_objects: list[int]
    window: Window | None = None

    @classmethod
    def of(cls, image: npt.NDArray[np.uint8], objects: Sequence[tuple[int, Shape]]) -> Self:
        """The scene of an image, uint8 RGB [h, w, 3], and the class index and segmentation of each object.

        Raises:
            ValueError: An RLE is damaged, or is not one of the image's size.
        """
        height, width = image.shape[:2]
        polygons: list[npt.NDArray[np.float64]] = []
        polygon_objects, pixel_objects, masks = [], [], []
        for number, (_, segmentation) in enumerate(objects):
            if isinstance(segmentation, dict):
                pixel_objects.append(number)
                masks.append(_rle_mask(segmentation, height, width))
            else:
                polygons += [np.asarray(part, np.float64) for part in segmentation]
                polygon_objects += [number] * len(segmentation)
        points = np.concatenate(polygons).reshape(-1, 2) if polygons else np.zeros((0, 2))
        pixels = np.stack(masks) if masks else np.zeros((0, height, width), np.uint8)
        return cls(
            tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1)),
            np.array([index for index, _ in objects], np.int64),
            Outlines(torch.from_numpy(points), canvas_size=(height, width)),
            np.array([len(polygon) // 2 for polygon in polygons], np.int64),
            polygon_objects,
            tv_tensors.Mask(torch.from_numpy(pixels)),
            pixel_objects,
        )

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return self.image.shape[1], self.image.shape[2]

    def flipped(self, flip: Callable[[T], T]) -> Scene:
        """Turned over by `horizontal_flip` or `vertical_flip`; before any crop."""
        pixels = flip(self.pixels) if self.pixel_objects else self.pixels
        return replace(self, image=flip(self.image), outlines=flip(self.outlines), pixels=pixels)

    def resized(self, size: Size) -> Scene:
        """At another size, antialiased as by Pillow, to within one level of 256."""
        image = functional.resize(self.image, list(size), antialias=True)
        return replace(self, image=image, outlines=functional.resize(self.outlines, list(size)))

    def cropped(self, top: int, left: int, height: int, width: int) -> Scene:
        """What lies in a box of pixels."""
        place = (top, left, height, width)
        part = functional.crop(self.image, *place)
        # Copied, so that a pixel's channels and a row's pixels lie together: the next resize is twice as fast.
        image = tv_tensors.Image(part.as_subclass(Tensor).permute(1, 2, 0).contiguous().permute(2, 0, 1))
        whole = self.window or Window(0, 0, self.pixels.shape[1], self.pixels.shape[2])
        window = whole.part(*place, of=self.size)
        return replace(self, image=image, outlines=functional.crop(self.outlines, *place), window=window)

    def target(self) -> Target:
        """The objects that have a pixel in the image."""
        height, width = self.size
        ends = 2 * np.cumsum(self.corners)
        coordinates = self.outlines.as_subclass(Tensor).numpy().ravel()
        runs = polygon_runs(np.split(coordinates, ends[:-1]) if len(ends) else [], height, width)
        sampled = [sample(mask, (height, width), self.window) for mask in self.pixels.as_subclass(Tensor).numpy()]
        seen = np.zeros(len(self.classes), np.bool_)
        seen[[number for number, part in zip(self.polygon_objects, runs, strict=True) if len(part.starts)]] = True
        seen[[number for number, mask in zip(self.pixel_objects, sampled, strict=True) if mask.any()]] = True
        places = np.cumsum(seen) - 1
        masks = np.zeros((int(seen.sum()), height, width), np.uint8)
        for number, part in zip(self.polygon_objects, runs, strict=True):
            if len(part.starts):
                paint(part, masks[places[number]])
        for number, mask in zip(self.pixel_objects, sampled, strict=True):
            if seen[number]:
                masks[places[number]] = mask
        return Target(torch.from_numpy(self.classes[seen]), torch.from_numpy(masks))


def sample(mask: Mask, size: Size, window: Window | None) -> Mask:
    """A mask, or what a window shows of it, at another size: each pixel takes the value at its centre. uint8 [*size].

    For the whole mask it is OpenCV's INTER_NEAREST_EXACT; torchvision's nearest-exact rounds in float32, and so takes
    the neighbour at some places where a centre lies on an edge.
    """
    if window is None:
        return np.asarray(cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    rows = ((np.arange(size[0]) + 0.5) * window.height / size[0] + window.top).astype(np.int64)
    columns = ((np.arange(size[1]) + 0.5) * window.width / size[1] + window.left).astype(np.int64)
    return mask.take(rows, 0).take(columns, 1)


def _rle_mask(segmentation: Rle, height: int, width: int) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    counts = segmentation_to_rle(segmentation, height, width)["counts"]
    text = counts.encode() if isinstance(counts, str) else counts
    paint(rle_runs([text], height, width)[0], mask)
    return mask
