"""Class-head surgery: what the weights know of a class goes to the class of the same name, wherever that stands.

Without it, fine-tuning on some of COCO's classes would begin with rows of other classes, or from nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparseinst.data.categories import Category
from sparseinst.data.coco_categories import COCO_CATEGORIES
from sparseinst.log import get_logger
from sparseinst.model.network import SparseInst
from sparseinst.model.weights import read_content, tensors_in
from sparseinst.model.weights.loading import CLASS_BIAS, CLASS_WEIGHT

log = get_logger("train")

_MOST_NAMED = 8


def class_names(content: Any, classes: int) -> list[str]:
    """The classes that a checkpoint's content knows, in the order of its class layer; none where nobody knows.

    This project's checkpoints and mmdetection's say it; 80 classes that nobody names are COCO's.
    """
    if isinstance(content, dict) and isinstance(content.get("categories"), list):
        names = [str(entry["name"]) for entry in content["categories"]]
    else:
        names = mmdetection_names(content)
    if not names and classes == len(COCO_CATEGORIES):
        names = [category.name for category in COCO_CATEGORIES]
    return names if len(names) == classes else []


def mmdetection_names(content: Any) -> list[str]:
    """The classes that an mmdetection checkpoint (3.x or 2.x) names; none for others."""
    meta = content.get("meta") if isinstance(content, dict) else None
    if not isinstance(meta, dict):
        return []
    dataset = meta.get("dataset_meta")
    names = dataset.get("classes") if isinstance(dataset, dict) else meta.get("CLASSES")
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


@torch.no_grad()
def transplant(
    model: SparseInst, fresh: Mapping[str, Tensor], path: Path, categories: Sequence[Category], *, quiet: bool
) -> list[str]:
    """Gives each class of the data the row of its name in the weights' class layer; other classes begin anew.

    Args:
        model: The weights of `path` are loaded.
        fresh: The model's class layer before that, by name (see `class_layer`).
        path: A checkpoint, or a backbone's weights, which have no class layer.
        categories: The data's classes.
        quiet: Whether nothing is said.

    Returns:
        The names of the classes that were found in the weights.
    """
    content = read_content(path)
    tensors = tensors_in(content, str(path))
    weight, bias = tensors.get(CLASS_WEIGHT), tensors.get(CLASS_BIAS)
    if weight is None or bias is None or weight.shape[1:] != fresh[CLASS_WEIGHT].shape[1:]:
        return []
    names = class_names(content, len(bias))
    wanted = [category.name for category in categories]
    if not names or names == wanted:
        return names and wanted
    row_of = {name: row for row, name in enumerate(names)}
    own = class_layer(model)
    found = [name for name in wanted if name in row_of]
    for row, name in enumerate(wanted):
        if name in row_of:
            own[CLASS_WEIGHT][row], own[CLASS_BIAS][row] = weight[row_of[name]], bias[row_of[name]]
        else:
            own[CLASS_WEIGHT][row], own[CLASS_BIAS][row] = fresh[CLASS_WEIGHT][row], fresh[CLASS_BIAS][row]
    if not quiet:
        log.info("%d of %d classes go on from the weights' own: %s", len(found), len(wanted), _listed(found))
    return found


def class_layer(model: SparseInst) -> dict[str, Tensor]:
    """The class layer's weight [classes, features] and bias [classes]; the living tensors."""
    state = model.state_dict()
    return {name: state[name] for name in (CLASS_WEIGHT, CLASS_BIAS)}


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown}, …" if len(names) > _MOST_NAMED else shown or "none"
