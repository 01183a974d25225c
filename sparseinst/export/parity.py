"""The proof that the exported model answers as the trained one: same instances, scores and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import MASK_TOLERANCE, SCORE_TOLERANCE, Difference, compare
from sparseinst.export.contract import OUTPUTS
from sparseinst.export.decode import decode_reply
from sparseinst.model.network import SparseInst

Pixels = npt.NDArray[np.uint8]


def measure_parity(
    model: SparseInst, scripted: torch.jit.ScriptModule, images: Sequence[Pixels], batches: Sequence[int] = (1, 4)
) -> dict[str, Any]:
    """Runs the eager and the exported model over images and batches.

    Args:
        model: The eager model, in `eval()` mode.
        scripted: The export.
        images: uint8 RGB [H, W, 3], of several sizes.
        batches: For each image, batches of it and its mirror images of these sizes are tried.

    Returns:
        What parity.json holds: every case, the worst figures, the tolerances, and "passed".
    """
    cases: list[dict[str, Any]] = []
    passed = True
    for image in images:
        for batch in batches:
            variants = [_variant(image, index) for index in range(batch)]
            differences = _compare_batch(model, scripted, variants)
            passed = passed and all(difference.is_within_tolerance for difference in differences)
            cases += [
                {
                    "height": image.shape[0],
                    "width": image.shape[1],
                    "batch": batch,
                    "image": index,
                    **asdict(difference),
                }
                for index, difference in enumerate(differences)
            ]
    worst = {key: max(case[key] for case in cases) for key in ("unmatched", "score", "mask")}
    return {
        "passed": passed,
        "worst": worst,
        "tolerances": {"unmatched": 0, "score": SCORE_TOLERANCE, "mask": MASK_TOLERANCE},
        "instances_compared": sum(case["instances"] for case in cases),
        "cases": cases,
    }


def _compare_batch(model: SparseInst, scripted: torch.jit.ScriptModule, images: Sequence[Pixels]) -> list[Difference]:
    tensors = [torch.from_numpy(image.transpose(2, 0, 1).copy()) for image in images]
    eager = model.predict(tensors)
    with torch.no_grad():
        outputs = scripted(torch.stack(tensors))
    reply = {spec.name: output.numpy() for spec, output in zip(OUTPUTS, outputs, strict=True)}
    size = (images[0].shape[0], images[0].shape[1])
    threshold = model.config.mask_threshold
    exported = decode_reply(reply, sent=size, originals=[size] * len(images), mask_threshold=threshold)
    return [compare(Instances.of(found), other) for found, other in zip(eager, exported, strict=True)]


def _variant(image: Pixels, index: int) -> Pixels:
    """The image, its mirror image, both upside down: four different images of the same size."""
    image = image[:, ::-1] if index & 1 else image
    return np.ascontiguousarray(image[::-1] if index & 2 else image)
