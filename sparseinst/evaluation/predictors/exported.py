"""Asks an exported file, TorchScript or a program of torch.export (.pt2), through the tensor contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictors.device import device_name
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.export.contract import OUTPUTS
from sparseinst.export.decode import decode_reply

# Reads a file for a device: what answers images with the contract's outputs, and the model's metadata.
Load = Callable[[Path, str], tuple[Callable[[torch.Tensor], Sequence[torch.Tensor]], dict[str, Any]]]


class ExportedPredictor(Predictor):
    """Runs on the GPU where there is one."""

    def __init__(self, path: Path, load: Load) -> None:
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._answer, metadata = load(path, self._device)
        self.device = device_name(self._device)
        super().__init__(metadata, str(path))

    @torch.no_grad()
    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        outputs = self._answer(torch.from_numpy(batch).to(self._device))
        reply = {spec.name: output.cpu().numpy() for spec, output in zip(OUTPUTS, outputs, strict=True)}
        return decode_reply(
            reply,
            sent=(batch.shape[2], batch.shape[3]),
            originals=sizes,
            mask_threshold=float(self.metadata["mask_threshold"]),
        )
