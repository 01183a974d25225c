"""AP of parts of the images: those with few and with many objects, and those that users gave a tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.average_precision import WeightedAP, mean_ap

# By the number of objects in an image. Images without any stand with those of few, as alone they have no AP.
# COCO's images have 7 on average and seldom more than 30; cells under a microscope come in hundreds.
_CROWDING = ((0, "0-2"), (3, "3-9"), (10, "10-29"), (30, "30-99"), (100, "100+"))
_ENOUGH = 10  # instances: AP of fewer is an accident


def slices(weighted: WeightedAP, tags: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """Of each part {"by": "crowding" or "tag", "name", "images", "instances", "AP", "AP50"}.

    Args:
        tags: Image ids by tag; those of other images are passed over.

    Returns:
        Parts by crowding that have images, from few to many objects, then the tags in their order. An AP is None
        where the part has no object.
    """
    return [_measured(weighted, *part) for part in (*_by_crowding(weighted), *_by_tag(weighted, tags))]


def worst_slice(parts: Sequence[Mapping[str, Any]], images: int) -> dict[str, Any] | None:
    """The one with the lowest AP of those that have at least 10 instances and not all of the `images`."""
    fit = [part for part in parts if part["instances"] >= _ENOUGH and part["images"] < images]
    return dict(min(fit, key=lambda part: part["AP"])) if fit else None


_Part = tuple[str, str, NDArray[np.bool_]]


def _by_crowding(weighted: WeightedAP) -> Iterator[_Part]:
    table = weighted.table
    objects = np.bincount(table.object_image, minlength=len(table.image_ids))
    bins = np.digitize(objects, [least for least, _ in _CROWDING]) - 1
    for place, (_, name) in enumerate(_CROWDING):
        if (bins == place).any():
            yield "crowding", name, bins == place


def _by_tag(weighted: WeightedAP, tags: Mapping[str, Sequence[int]]) -> Iterator[_Part]:
    for name, image_ids in tags.items():
        yield "tag", name, np.isin(weighted.table.image_ids, np.array(image_ids, np.int64))


def _measured(weighted: WeightedAP, by: str, name: str, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    values = weighted(chosen.astype(np.float64)[None])[0]
    return {
        "by": by,
        "name": name,
        "images": int(chosen.sum()),
        "instances": int(chosen[weighted.table.object_image].sum()),
        "AP": mean_ap(values),
        "AP50": mean_ap(values[:, :1]),
    }
