"""What one should know before one compares an evaluation's numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sparseinst.evaluation.coco.prepared import has_boxes
from sparseinst.pages.words import counted

Note = dict[str, str]


def notes(
    annotations: Mapping[str, Any], results: Sequence[Mapping[str, Any]], max_dets: Sequence[int]
) -> Iterator[Note]:
    """{"code", "text"} of each thing that bends the numbers.

    Args:
        annotations: A COCO object that passed `load_coco`.
        results: COCO results.
        max_dets: How many detections of an image and a class count.
    """
    objects = Counter((a["image_id"], a["category_id"]) for a in annotations["annotations"] if not a.get("iscrowd"))
    crowded = {image for (image, _), count in objects.items() if count > max_dets[-1]}
    if crowded:
        lost = sum(max(count - max_dets[-1], 0) for count in objects.values())
        yield _note(
            "MANY-OBJECTS",
            f"{_images(crowded)} more than {max_dets[-1]} objects of a class, but no more detections count: "
            f"{lost} of {sum(objects.values())} objects cannot be found, so AP cannot reach 1. --max-dets "
            f"{max_dets[0]},{max_dets[1]},{max(objects.values())} counts them; such numbers are no longer COCO's.",
        )
    if tuple(max_dets) != (1, 10, 100):
        yield _note(
            "MAX-DETS",
            f"Up to {max_dets[-1]} detections of an image and a class count, not 100: compare these numbers only with "
            "such ones.",
        )
    if has_boxes(results):
        yield _note(
            "BOX-AREA",
            "The detections carry boxes. As in pycocotools, the area of the box, not of the mask, then says whether a "
            "detection of nothing is small, medium or large (APs, APm, APl). Leave bbox out to use the masks' areas.",
        )
    unseen = {a["category_id"] for a in annotations["annotations"] if not a.get("iscrowd")}
    absent = [str(c["name"]) for c in annotations["categories"] if c["id"] not in unseen]
    if absent:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        yield _note("NO-OBJECT", f"Classes without an object here do not count: {shown}.")


def model_notes(annotations: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Note]:
    """The same of what the model itself cannot do.

    Args:
        annotations: A COCO object that passed `load_coco`.
        metadata: The model's; "instances" is how many objects it finds in an image at most.
    """
    if "instances" not in metadata:
        return
    most = int(metadata["instances"])
    objects = Counter(a["image_id"] for a in annotations["annotations"] if not a.get("iscrowd"))
    crowded = [count for count in objects.values() if count > most]
    if crowded:
        yield _note(
            "MODEL-LIMIT",
            f"{_images(crowded)} more than the {most} objects that the model finds in an image at most: "
            f"{sum(crowded) - most * len(crowded)} of {sum(objects.values())} objects it cannot find. A model with a "
            f"larger model.num_masks and model.max_detections ({max(crowded)} here) could.",
        )


def _images(some: Collection[Any]) -> str:
    return f"{counted(len(some), 'image')} {'has' if len(some) == 1 else 'have'}"


def _note(code: str, text: str) -> Note:
    return {"code": code, "text": text}
