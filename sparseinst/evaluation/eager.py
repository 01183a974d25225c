"""Asks a checkpoint, through the model's own Python code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictor import Predictor
from sparseinst.manifest import code_commit
from sparseinst.model.network import build_model
from sparseinst.training.checkpoint import load_checkpoint


class EagerPredictor(Predictor):
    """Runs on the GPU where there is one."""

    def __init__(self, path: Path) -> None:
        checkpoint = load_checkpoint(path)
        model_config, input_config = checkpoint.config.model, checkpoint.config.input
        metadata = {
            "model": model_config.name,
            "categories": [{"id": category.id, "name": category.name} for category in checkpoint.categories],
            "short_side": input_config.short_side,
            "longest_side": input_config.longest_side,
            "instances": min(model_config.num_masks, model_config.max_detections),
            "mask_threshold": model_config.mask_threshold,
            "checkpoint_sha256": checkpoint.sha256,
            "version_of_code": code_commit(),
        }
        super().__init__(metadata, str(path))
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = build_model(model_config, num_classes=len(checkpoint.categories))
        try:
            self._model.load_state_dict(checkpoint.weights)
        except RuntimeError as error:
            raise EvaluationError(
                "The checkpoint's weights do not fit its own configuration.",
                where=str(path),
                fix="Use a checkpoint of this version of the code.",
                details=str(error).splitlines()[1:6],
            ) from error
        self._model.eval().to(self._device)

    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        images = torch.from_numpy(batch).to(self._device)
        found = []
        for detections in self._model.predict(list(images), sizes=sizes):
            order = detections.scores.argsort(descending=True, stable=True)
            found.append(
                Instances(
                    scores=detections.scores[order].float().cpu().numpy(),
                    classes=detections.classes[order].cpu().numpy(),
                    masks=detections.masks[order].cpu().numpy(),
                )
            )
        return found
