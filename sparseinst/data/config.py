"""How images reach the network; the defaults are the authors' (Base-SparseInst.yaml of hustvl/SparseInst a899015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sparseinst.errors import ConfigError

ScalePer = Literal["image", "batch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InputConfig:
    """Sizes in pixels. A resized image keeps its aspect ratio."""

    train_short_sides: tuple[int, ...] = (416, 448, 480, 512, 544, 576, 608, 640)  # one is drawn at random
    scale_per: ScalePer = "image"  # "batch" draws it once for all images of a batch: far less padding
    train_longest_side: int = 853
    crop: float = 0.0  # probability of a random crop before that resize; 0.5 in the authors' "aug" configurations
    crop_short_sides: tuple[int, ...] = (400, 500, 600)  # to crop, the shorter side first becomes one of these
    crop_smallest: int = 384  # least height and width of a crop, or the side itself where that is shorter
    crop_largest: int = 600
    short_side: int = 640  # for evaluation and service
    longest_side: int = 853
    flip: float = 0.5  # probability of a left-right flip
    vertical_flip: float = 0.0  # for pictures without an up and down: microscopes, satellites
    colour_jitter: float = 0.0  # how far each colour channel's gain and offset may stray, 0 to 1; 0: as published
    workers: int = 6  # loader processes per rank; 0 loads in the training process
    bad_images: int = 10  # training goes on without so many images that cannot be read; one more ends it
    cache_gb: float = 20.0  # images that were left in a bucket: how much of a node's disk keeps them (SPARSEINST_CACHE)

    def __post_init__(self) -> None:
        for name in ("flip", "vertical_flip", "crop", "colour_jitter"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{value} is no probability.", where=f"input.{name}", fix="Give 0 to 1.")
        for name in ("train_short_sides", "crop_short_sides"):
            sides = getattr(self, name)
            if not sides or min(sides) < 1:
                raise ConfigError(
                    f"{list(sides)} are no sides.",
                    where=f"input.{name}",
                    fix="Give at least one, in pixels.",
                )
        if self.bad_images < 0 or self.workers < 0:
            raise ConfigError(
                "A count below 0 does not do.", where="input.bad_images, input.workers", fix="Give 0 or more."
            )
        if self.cache_gb < 0:
            raise ConfigError(f"{self.cache_gb} is no size.", where="input.cache_gb", fix="Give 0 or more.")
        if not 1 <= self.crop_smallest <= self.crop_largest:
            raise ConfigError(
                f"A crop cannot have sides from {self.crop_smallest} to {self.crop_largest} pixels.",
                where="input.crop_smallest, input.crop_largest",
                fix="Give the smaller one first, at least 1.",
            )
