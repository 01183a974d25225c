"""Golden images: pixels of several sizes that the export, and later the server, must answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from sparseinst.export.contract import OUTPUTS
from sparseinst.files import atomic_path
from sparseinst.imaging.read import read_image
from sparseinst.imaging.resize import resize_image, target_size

GOLDEN_FILE = "golden.npz"

Pixels = npt.NDArray[np.uint8]


def golden_images(photos: Sequence[Path], short_side: int, longest_side: int) -> list[Pixels]:
    """At least three images of different sizes: the photos as the model is sent them, and drawn ones.

    The drawn ones are an odd size, a square, and a wide strip: cells of random colours under noise.
    """
    sizes = [(short_side, short_side), (short_side - 29, short_side + 7), (short_side // 2, longest_side)]
    images = [drawn(*size, seed) for seed, size in enumerate(sizes)]
    for photo in photos:
        pixels = read_image(photo)
        images.append(resize_image(pixels, *target_size(pixels.shape[0], pixels.shape[1], short_side, longest_side)))
    return images


def write_golden(path: Path, scripted: torch.jit.ScriptModule, images: Sequence[Pixels]) -> None:
    """Writes golden.npz: for image i `image_i`, uint8 [3, H, W], and its answers, `scores_i` and the other outputs."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for index, image in enumerate(images):
        chw = np.ascontiguousarray(image.transpose(2, 0, 1))
        with torch.no_grad():
            answer = scripted(torch.from_numpy(chw)[None])
        arrays |= {f"image_{index}": chw}
        arrays |= {f"{spec.name}_{index}": tensor[0].numpy() for spec, tensor in zip(OUTPUTS, answer, strict=True)}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def drawn(height: int, width: int, seed: int) -> Pixels:
    """A picture of cells of random colours under noise, uint8 RGB [height, width, 3]."""
    random = np.random.default_rng(seed)
    cell = max(1, min(height, width) // 6)
    colours = random.integers(0, 256, (height // cell + 1, width // cell + 1, 3))
    blocks = colours.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    noise = random.integers(-20, 21, (height, width, 3))
    return (blocks + noise).clip(0, 255).astype(np.uint8)
