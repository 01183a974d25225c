"""One golden file: every figure in it under its name. A figure that nobody knows is an error, not silence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LIGHT = Path(__file__).parent / "light"  # the set that comes with the project
ORIGINAL_SIZES = ((480, 600), (333, 417))  # of images A and B: height and width of the final masks, in pixels


@dataclass(frozen=True)
class Stage:
    """A tensor inside the network, by its shape, the sums of its values and magnitudes, and evenly spaced samples."""

    shape: tuple[int, ...]
    total: float
    absolute: float
    samples: Array


@dataclass(frozen=True)
class Instances:
    """The final instances of one image; `masks` are COCO RLEs, where the reference's were kept."""

    queries: Array
    scores: Array
    classes: Array
    areas: Array
    size: tuple[int, ...]
    masks: list[dict[str, Any]] | None


@dataclass(frozen=True)
class Golden:
    """What the authors' code gave for one model. `meta` is the model's entry in meta.json, where there is one."""

    name: str
    meta: dict[str, Any] | None
    stages: dict[str, Stage]
    logits: Array
    objectness: Array
    mask_samples: Array
    masks: Array | None  # float16 [2, N, H / 4, W / 4]
    instances: list[Instances]
    matches: list[tuple[Array, Array]]  # per image the queries and the objects
    losses: dict[str, float]
    gradients: dict[str, float]  # L2 norms
    trajectory: Array | None  # [steps, (ce, mask, dice, objectness, total)]


def read_golden(path: Path) -> Golden:
    """The figures of one file, with what lies beside it: meta.json and the model's masks as RLE.

    Raises:
        KeyError: A figure is missing.
        ValueError: The file has a figure of an unknown kind.
    """
    with np.load(path) as arrays:
        left = dict(arrays)
    take = left.pop
    meta = _beside(path, "meta.json") or {}
    masks = _beside(path, f"{path.stem}_final_rle.json") or [None] * len(ORIGINAL_SIZES)
    golden = Golden(
        name=path.stem,
        meta=meta.get(path.stem),
        stages={name: _stage(left, name) for name in sorted({k.split("/")[1] for k in left if k[:6] == "stage/"})},
        logits=take("pred_logits"),
        objectness=take("pred_scores"),
        mask_samples=take("pred_masks_samples4096"),
        masks=take("pred_masks_f16", None),
        instances=[_instances(left, index, rles) for index, rles in enumerate(masks)],
        matches=[(take(f"match/{i}/query"), take(f"match/{i}/target")) for i in range(len(masks))],
        losses={key[5:]: float(take(key)) for key in [key for key in left if key[:5] == "loss/"]},
        gradients=dict(zip(take("grad/names").tolist(), take("grad/l2").tolist(), strict=True)),
        trajectory=take("trajectory_ce_mask_dice_obj_total", None),
    )
    if left:
        raise ValueError(f"{path}: nobody checks {sorted(left)}")
    return golden


def sample(values: Array, count: int) -> Array:
    """`count` elements at even distances, the first and the last among them, in the order of memory."""
    flat = values.reshape(-1)
    return flat[np.arange(count) * (flat.size - 1) // (count - 1)]


def _stage(left: dict[str, Array], name: str) -> Stage:
    shape, total, absolute, samples = (left.pop(f"stage/{name}/{k}") for k in ("shape", "sum", "abssum", "samples"))
    return Stage(tuple(shape.tolist()), float(total), float(absolute), samples)


def _instances(left: dict[str, Array], index: int, rles: list[dict[str, Any]] | None) -> Instances:
    names = ("query", "scores", "classes", "area", "size")
    queries, scores, classes, areas, size = (left.pop(f"final/{index}/{name}") for name in names)
    return Instances(queries, scores, classes, areas, tuple(size.tolist()), rles)


def _beside(path: Path, name: str) -> Any:
    file = path.with_name(name)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
