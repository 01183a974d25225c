"""Which detection found what, as columns: small enough to keep beside the metrics, enough to count everything from."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.coco.engine import EngineName, matched
from sparseinst.evaluation.coco.prepared import Prepared, in_parts
from sparseinst.files import atomic_path

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
MATCHES = "matches.npz"

_IMAGES_AT_A_TIME = 500  # what the engine tells of an image is some 100 times larger than its rows here


@dataclass(frozen=True, slots=True, eq=False)
class MatchTable:
    """D detections and G objects of K categories in I images, at the T = 10 `IOU_THRESHOLDS`.

    Detections stand in the order in which COCO's evaluation ranks them: by category, then by descending score, those
    of one score by image and then as they were given. Crowd regions are no objects.

    Attributes:
        image_ids: int64 [I], ascending; `image` and `object_image` are places in it.
        category_ids: int64 [K], ascending; `category` and `object_category` are places in it.
        category_names: str [K].
        image, category: int32 [D].
        score: float64 [D].
        row: int32 [D], which of the results that were given it is.
        hits: bool [D, T], whether it found an object.
        ignored: bool [D, T], whether it does not count, because it lies in a crowd region.
        object_image, object_category: int32 [G].
        object_area: float64 [G], in pixels.
        object_row: int32 [G], which of the annotations it is.
        object_found: bool [G, T], whether some detection found it.
        dataset: The SHA-256 of the annotation file; two tables can be compared where it is the same.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    category_names: NDArray[np.str_]
    image: NDArray[np.int32]
    category: NDArray[np.int32]
    score: NDArray[np.float64]
    row: NDArray[np.int32]
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    object_image: NDArray[np.int32]
    object_category: NDArray[np.int32]
    object_area: NDArray[np.float64]
    object_row: NDArray[np.int32]
    object_found: NDArray[np.bool_]
    dataset: str = ""

    def save(self, path: Path) -> None:
        """Writes a compressed .npz: about 10 bytes a detection."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("hits", "ignored", "object_found"):
            columns[name] = np.packbits(columns[name], axis=1)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **columns)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            EvaluationError: There is no such file, or it is something else.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                columns = {field.name: archive[field.name] for field in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise EvaluationError(
                f"The matches cannot be read ({error}).", where=str(path), fix="Run `sparseinst evaluate` again."
            ) from error
        for name in ("hits", "ignored", "object_found"):
            columns[name] = np.unpackbits(columns[name], axis=1, count=len(IOU_THRESHOLDS)).astype(bool)
        columns["dataset"] = str(columns["dataset"])
        return cls(**columns)


def match_table(prepared: Prepared, max_det: int, engine: EngineName = "hotcoco", dataset: str = "") -> MatchTable:
    """Compares the masks once more, some images at a time, and keeps which detection found which object.

    Args:
        max_det: How many detections of an image and a class count.
    """
    images, categories = np.array(prepared.image_ids, np.int64), np.array(prepared.category_ids, np.int64)
    names = {category["id"]: str(category["name"]) for category in prepared.categories}
    alone = _has_no_object(prepared)
    others = [entry for entry, is_alone in zip(prepared.found, alone.tolist(), strict=True) if not is_alone]
    areas = np.array([entry["area"] for entry in prepared.truth], np.float64)
    parts = [
        _rows(matched(part, max_det, engine), areas)
        for part in in_parts(replace(prepared, found=others), _IMAGES_AT_A_TIME)
    ]
    compared, objects = (
        [np.concatenate(columns) for columns in zip(*(part[side] for part in parts), strict=True)] for side in (0, 1)
    )
    found = [
        np.concatenate(columns)
        for columns in zip(compared, _false(prepared, np.flatnonzero(alone), max_det), strict=True)
    ]
    image, category = _places(images, found[0]), _places(categories, found[1])
    # The engine lists an image's detections by descending score already; a stable sort keeps the order of ties.
    order = np.lexsort((found[3], image, -found[2], category))
    return MatchTable(
        image_ids=images,
        category_ids=categories,
        category_names=np.array([names[category_id] for category_id in categories.tolist()], np.str_),
        image=image[order],
        category=category[order],
        score=found[2][order],
        row=(found[3][order] - 1).astype(np.int32),
        hits=found[4][order],
        ignored=found[5][order],
        object_image=_places(images, objects[0]),
        object_category=_places(categories, objects[1]),
        object_area=objects[2],
        object_row=(objects[3] - 1).astype(np.int32),
        object_found=objects[4],
        dataset=dataset,
    )


def _has_no_object(prepared: Prepared) -> NDArray[np.bool_]:
    """Whether the truth has nothing of a result's class in its image, no crowd region either; one for each result.

    They are most of what a model finds, and no mask has to be compared to know that they are false.
    """
    there = {(entry["image_id"], entry["category_id"]) for entry in prepared.truth}
    return np.array([(entry["image_id"], entry["category_id"]) not in there for entry in prepared.found], np.bool_)


def _false(prepared: Prepared, rows: NDArray[np.intp], max_det: int) -> list[NDArray[Any]]:
    """The columns of results that found nothing; of an image and a class only the best ones, as in the engine."""
    entries = [prepared.found[row] for row in rows.tolist()]
    image = np.array([entry["image_id"] for entry in entries], np.int64)
    category = np.array([entry["category_id"] for entry in entries], np.int64)
    score = np.array([entry["score"] for entry in entries], np.float64)
    ids = np.array([entry["id"] for entry in entries], np.int64)
    order = np.lexsort((ids, -score, category, image))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (np.diff(image[order]) != 0) | (np.diff(category[order]) != 0)
    starts = np.flatnonzero(is_first)
    rank = np.arange(len(order)) - starts[np.cumsum(is_first) - 1] if len(order) else order
    kept = order[rank < max_det]
    nothing = np.zeros((len(kept), len(IOU_THRESHOLDS)), np.bool_)
    return [image[kept], category[kept], score[kept], ids[kept], nothing, nothing]


def _rows(
    entries: Sequence[Mapping[str, Any]], areas: NDArray[np.float64]
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Columns of detections (image, category, score, id, hits, ignored), and of objects (…, area, id, found)."""
    steps = len(IOU_THRESHOLDS)
    found_counts = [len(entry["dtIds"]) for entry in entries]
    object_counts = [len(entry["gtIds"]) for entry in entries]
    image = np.array([entry["image_id"] for entry in entries], np.int64)
    category = np.array([entry["category_id"] for entry in entries], np.int64)
    found = [
        np.repeat(image, found_counts),
        np.repeat(category, found_counts),
        _joined([entry["dtScores"] for entry in entries], np.float64),
        _joined([entry["dtIds"] for entry in entries], np.int64),
        _flags([entry["dtMatches"] for entry in entries], steps),
        _flags([entry["dtIgnore"] for entry in entries], steps),
    ]
    counts = ~_joined([entry["gtIgnore"] for entry in entries], np.bool_)
    ids = _joined([entry["gtIds"] for entry in entries], np.int64)
    objects = [
        np.repeat(image, object_counts),
        np.repeat(category, object_counts),
        areas[ids - 1],
        ids,
        _flags([entry["gtMatches"] for entry in entries], steps),
    ]
    return found, [column[counts] for column in objects]


def _joined(lists: Sequence[Any], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *(np.asarray(values, dtype) for values in lists)])


def _flags(tables: Sequence[Any], steps: int) -> NDArray[np.bool_]:
    """[T, n] each, of which 0 is no; together [n, T]."""
    parts = [np.asarray(table, np.float64).reshape(steps, -1).T != 0 for table in tables]
    return np.concatenate([np.zeros((0, steps), bool), *parts])


def _places(values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.searchsorted(values, wanted).astype(np.int32)
