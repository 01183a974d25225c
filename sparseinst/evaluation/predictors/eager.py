"""Asks a checkpoint, through the model's own Python code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictors.device import device_name
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.export.export import describe
from sparseinst.model.inference import prepare_for_inference
from sparseinst.training.checkpoint import Checkpoint, load_checkpoint, restore_model


class EagerPredictor(Predictor):
    """Runs on the GPU where there is one; in float32, with norms and activations fused into the convolutions."""

    def __init__(self, checkpoint: Checkpoint, where: str = "the model in training") -> None:
        """`where` is what messages call the checkpoint."""
        super().__init__(describe(checkpoint), where)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = device_name(self._device)
        self._model = prepare_for_inference(restore_model(checkpoint).to(self._device))

    @classmethod
    def open(cls, path: Path) -> Self:
        """The predictor of a checkpoint's file."""
        return cls(load_checkpoint(path), str(path))

    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        images = torch.from_numpy(batch).to(self._device)
        return [Instances.of(found) for found in self._model.predict(list(images), sizes=sizes)]
