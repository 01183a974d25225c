"""The proof that the front door finds in a picture's file what the export found in its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import DeployError
from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import compare
from sparseinst.export.contract import FRONT
from sparseinst.export.decode import decode_reply
from sparseinst.export.front_door import CLASSES, PICTURE, RLES, SCORES, SIZE
from sparseinst.imaging.resize import target_size
from sparseinst.imaging.write import encode_image
from sparseinst.masks.coco import segmentation_to_mask
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.front import Metadata
from sparseinst.serving.rollout.golden import GoldenImage, fault_of, limits_of, smallest

_NEEDED = {"categories", "short_side", "longest_side", "mask_threshold"}
_OUTPUTS = (SCORES, CLASSES, RLES, SIZE)


def prove_front(
    triton: Connection, front: str, golden: list[GoldenImage], metadata: Metadata, *, is_one_enough: bool = False
) -> int:
    """Sends golden images as PNG files. Those that the front door would resize have no golden answer and are left out.

    Args:
        triton: The server.
        front: The front door's name.
        golden: The golden images of the model that has to answer.
        metadata: What the model says about itself.
        is_one_enough: Whether only the smallest of them is sent.

    Returns:
        How many were sent.

    Raises:
        DeployError: An answer differs.
        StackError: The front door does not answer.
    """
    if not metadata.keys() >= _NEEDED:
        raise DeployError(
            "The model does not describe itself, so the front door cannot know its answers.",
            where=f"{triton.url}, model '{front}'",
            fix="Export it again; or leave the front door out with --no-front-door.",
        )
    images = [image for image in golden if _is_taken_as_it_is(image, metadata)]
    images = smallest(images) if is_one_enough else images
    limits = limits_of(triton, front.removesuffix(FRONT))
    wrong = []
    for image in images:
        found = _ask(triton, front, image, metadata)
        if fault := fault_of(compare(_expected(image, metadata), found, limits)):
            wrong.append(f"golden image of {image.size[1]} x {image.size[0]}: {fault}")
    if wrong:
        raise DeployError(
            f"The front door's answers differ from the export's for {len(wrong)} of {len(images)} golden images.",
            where=f"{triton.url}, model '{front}'",
            details=wrong,
            fix="Give the server the same version of this project as this one; --no-front-door leaves it out.",
        )
    return len(images)


def _ask(triton: Connection, front: str, image: GoldenImage, metadata: Metadata) -> Instances:
    picture = encode_image(np.ascontiguousarray(image.image.transpose(1, 2, 0)), ".png")
    reply = triton.infer(
        front,
        "",
        {PICTURE.name: np.frombuffer(picture, np.uint8)},
        [spec.name for spec in _OUTPUTS],
        parameters={"min_score": 0, "most": max(1, image.instances)},
    )
    place = {int(category["id"]): index for index, category in enumerate(metadata["categories"])}
    return Instances(
        scores=reply[SCORES.name],
        classes=np.array([place.get(category, -1) for category in reply[CLASSES.name].tolist()], np.int64),
        masks=_masks(reply),
    )


def _masks(reply: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    height, width = reply[SIZE.name].tolist()
    counts = reply[RLES.name].tobytes().decode().split("\n") if len(reply[SCORES.name]) else []
    masks = np.zeros((len(counts), height, width), np.bool_)
    for mask, text in zip(masks, counts, strict=True):
        mask[:] = segmentation_to_mask({"size": [height, width], "counts": text}, height, width)
    return masks


def _expected(image: GoldenImage, metadata: Metadata) -> Instances:
    reply = {name: image.answer[name][None] for name in ("scores", "classes", "masks")}
    threshold = float(metadata["mask_threshold"])
    return decode_reply(reply, sent=image.size, originals=[image.size], mask_threshold=threshold)[0]


def _is_taken_as_it_is(image: GoldenImage, metadata: Metadata) -> bool:
    return target_size(*image.size, int(metadata["short_side"]), int(metadata["longest_side"])) == image.size
