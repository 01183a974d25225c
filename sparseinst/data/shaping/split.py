"""Which image is for training, which for validation, and which ones a quick run takes."""

from __future__ import annotations

import math

import numpy as np

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.division import divide
from sparseinst.data.shaping.strata import Strata
from sparseinst.data.shaping.table import NEITHER, TRAIN, VAL, Everything, Flags, Ints, Splits
from sparseinst.data.shaping.units import Hashes, group_hashes, name_hashes
from sparseinst.errors import DatasetError
from sparseinst.log import get_logger

log = get_logger("ingest")


def is_undecided(everything: Everything, config: ShapeConfig) -> bool:
    """Whether train and val have to be made; the source's own are kept where it has both.

    Raises:
        DatasetError: They have to be made, but nobody said how large val shall be.
    """
    has_val = bool((everything.split == VAL).any())
    has_all = not (everything.split == NEITHER).any()
    if not has_all and not config.val_share:
        raise DatasetError(
            "The source does not say which images are for validation.",
            fix="Add --val-share 0.1 to set a tenth apart.",
        )
    if config.resplit or not has_val or not has_all:
        return config.val_share > 0
    if config.val_share:
        log.info("the source has a val split of its own, which is kept (--resplit makes a new one)")
    return False


def make_split(everything: Everything, config: ShapeConfig, kept: Flags, presence: Ints) -> Splits:
    """Divides the kept images; int8 [I], NEITHER for the others.

    Args:
        kept: bool [I].
        presence: Pairs (image, class), int64 [N, 2], sorted, for the objects that are kept.

    Raises:
        DatasetError: There are fewer than two images or groups.
        ConfigError: `group_by` fits no image.
    """
    split = np.where(kept, np.int8(TRAIN), np.int8(NEITHER))
    rows = np.flatnonzero(kept)
    strata, unit = _strata(rows, group_hashes(everything, config), presence)
    if len(strata.weights) < 2:
        raise DatasetError(
            f"{len(rows)} images cannot be divided into train and val: there are {len(strata.weights)} groups of them."
            if config.group_by
            else f"{len(rows)} images cannot be divided into train and val.",
            where=f"--group-by {config.group_by}" if config.group_by else "--val-share",
            fix="Group by something finer, or leave --group-by out." if config.group_by else "Bring at least two.",
        )
    size = min(max(_rounded(config.val_share * len(rows)), 1), len(rows) - 1)
    split[rows[divide(strata, size, both=True)[unit]]] = VAL
    return split


def choose_subset(everything: Everything, config: ShapeConfig, split: Splits, presence: Ints) -> Flags:
    """Which images a quick run takes: `config.subset` of train, and of val in proportion; bool [I].

    The choice of a smaller number lies within that of a larger one.
    """
    chosen = np.zeros(len(split), np.bool_)
    sizes = {part: int((split == part).sum()) for part in (TRAIN, VAL)}
    hashes = name_hashes(everything.names, config.seed, "subset")
    for part, size in sizes.items():
        rows = np.flatnonzero(split == part)
        wanted = config.subset if part == TRAIN else max(_rounded(config.subset * size / max(sizes[TRAIN], 1)), 1)
        chosen[rows] = True if wanted >= size else _first(rows, hashes, presence, wanted)
    return chosen


def _first(rows: Ints, hashes: Hashes, presence: Ints, wanted: int) -> Flags:
    """The first images in an order whose every beginning is stratified; bool like `rows`.

    The order is that of halving again and again: the first half of the images, of that again the first half, and so
    on. Only the halves on the way to the wanted number are made.
    """
    strata, unit = _strata(rows, hashes, presence)
    chosen = np.zeros(len(strata.weights), np.bool_)
    units = np.arange(len(strata.weights))
    while wanted > 0 and len(units):
        images = int(strata.weights.sum())
        if len(units) == 1 or wanted >= images:
            chosen[units] = True
            break
        half = divide(strata, (images + 1) // 2, both=False)
        size = int(strata.weights[half].sum())
        if wanted >= size:
            chosen[units[half]] = True
            wanted -= size
            half = ~half
        units, strata = units[half], strata.only(half)
    return chosen[unit]


def _strata(rows: Ints, hashes: Hashes, presence: Ints) -> tuple[Strata, Ints]:
    """The strata of some images, and the unit of each; units are numbered in the order of their hashes."""
    numbers = np.full(len(hashes), -1)
    numbers[rows] = np.arange(len(rows))
    images = numbers[presence[:, 0]]
    pairs = np.stack([images, presence[:, 1]], 1)[images >= 0]
    _, unit = np.unique(hashes[rows], return_inverse=True)
    return Strata.of(unit, pairs, int(presence[:, 1].max(initial=-1)) + 1), unit


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)
