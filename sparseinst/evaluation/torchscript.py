"""Asks an exported TorchScript file, through the tensor contract."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictor import Predictor
from sparseinst.export.contract import METADATA_KEY
from sparseinst.export.decode import decode_batch


class TorchScriptPredictor(Predictor):
    """Runs on the GPU where there is one."""

    def __init__(self, path: Path) -> None:
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        extra = {f"{METADATA_KEY}.json": ""}
        try:
            self._model = torch.jit.load(str(path), map_location=self._device, _extra_files=extra).eval()
            metadata = json.loads(extra[f"{METADATA_KEY}.json"] or "{}")
        except (RuntimeError, ValueError) as error:
            raise EvaluationError(
                f"The TorchScript file cannot be loaded: {str(error).splitlines()[0]}",
                where=str(path),
                fix="Use a model.pt that 'sparseinst export' wrote.",
            ) from error
        super().__init__(metadata, str(path))

    @torch.inference_mode()
    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        outputs = self._model(torch.from_numpy(batch).to(self._device))
        scores, classes, masks = (output.cpu().numpy() for output in outputs)
        return decode_batch(
            scores,
            classes,
            masks,
            sent=(batch.shape[2], batch.shape[3]),
            originals=sizes,
            mask_threshold=float(self.metadata["mask_threshold"]),
        )
