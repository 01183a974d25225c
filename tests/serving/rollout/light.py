"""What tests.serving.tiny computes, by numpy: a model that loads in a third of a second, and the backend that runs it.

A rollout loads dozens of models, and a stub that imports torch takes two seconds of a processor each time. All around
the executor is as ever: Triton itself, the configuration, the repository, the front door. The real one is under test
in test_rollout.py and beyond.

Copied to <backends>/pytorch/model.py, this file is the backend.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.export.contract import CROP_CELLS, MASK_CODE_THRESHOLD, OUTPUTS

_BRIGHT = 160


@dataclass(frozen=True)
class Light:
    """Two instances, what is bright and what is dark, and an empty slot.

    Attributes:
        gain: Makes one model unlike another.
        fingerprint: Of its answers, in hexadecimal.
        pause_s: How long it takes beyond its work.
        mood: What it does with bright images: "" as with others, "fails", or "swaps" the classes.
    """

    gain: float
    fingerprint: str
    pause_s: float = 0.0
    mood: str = ""

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)))

    def answer(self, images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """The contract's outputs for uint8 [B, 3, H, W]."""
        time.sleep(self.pause_s)
        is_bright = bool(images.mean() > _BRIGHT)
        if is_bright and self.mood == "fails":
            raise RuntimeError("too bright")
        batch, _, height, width = images.shape
        grey = np.zeros((batch, 32 * -(-height // 32), 32 * -(-width // 32)), np.float32)
        grey[:, :height, :width] = images.mean(1, dtype=np.float32)
        light = grey.reshape(batch, grey.shape[1] // 4, 4, grey.shape[2] // 4, 4).mean((2, 4))
        masks = np.stack([light, 255 - light, np.zeros_like(light)], 1).round().astype(np.uint8)
        level = np.float32(self.gain) * light.mean((1, 2)) / 255
        scores = np.stack([0.5 + level / 4, 0.5 - level / 4, np.zeros_like(level)], 1).astype(np.float32)
        classes = [1, 0, -1] if is_bright and self.mood == "swaps" else [0, 1, -1]
        crops, boxes = _crops(masks)
        mark = np.frombuffer(bytes.fromhex(self.fingerprint), np.uint8)
        values = (scores, np.tile(np.int64(classes), (batch, 1)), masks, crops, boxes, np.tile(mark, (batch, 1)))
        return {spec.name: value for spec, value in zip(OUTPUTS, values, strict=True)}


def _crops(masks: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The masks' boxes, a cell wider, cut out: the grids of these tests are smaller than a crop."""
    crops = np.zeros((*masks.shape[:2], CROP_CELLS, CROP_CELLS), np.uint8)
    boxes = np.zeros((*masks.shape[:2], 6), np.int32)
    for index in np.ndindex(*masks.shape[:2]):
        mask = masks[index]
        boxes[index][4:] = mask.shape
        rows, columns = (np.flatnonzero((mask > MASK_CODE_THRESHOLD).any(axis)) for axis in (1, 0))
        if len(rows):
            top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
            bottom, right = min(rows[-1] + 2, mask.shape[0]), min(columns[-1] + 2, mask.shape[1])
            boxes[index][:4] = top, left, bottom, right
            crops[index][: bottom - top, : right - left] = mask[top:bottom, left:right]
    return crops, boxes


class TritonPythonModel:
    """The backend: one instance of one version of one model."""

    def initialize(self, args: dict[str, str]) -> None:
        import triton_python_backend_utils as pb_utils

        path = Path(args["model_repository"]) / args["model_version"] / "model.pt"
        try:
            self._model = Light(**json.loads(path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise pb_utils.TritonModelException(f"{path.name} is no model of these tests: {error!r}") from error

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        import triton_python_backend_utils as pb_utils

        from sparseinst.serving.front_door.tensors import read, write

        try:
            answer = self._model.answer(read(pb_utils.get_input_tensor_by_name(request, "image")))
        except RuntimeError as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"the model failed: {error}"))
        wanted = request.requested_output_names()
        tensors = [write(name, np.ascontiguousarray(array)) for name, array in answer.items() if name in wanted]
        return pb_utils.InferenceResponse(output_tensors=tensors)
