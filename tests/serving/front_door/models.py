"""Models in numpy that obey the tensor contract, in place of Triton's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import StackError
from sparseinst.export.contract import FULL_REPLY, fingerprint, round_up

METADATA = {
    "model": "drawn",
    "categories": [{"id": 3, "name": "left"}, {"id": 8, "name": "right"}],
    "short_side": 64,
    "longest_side": 96,
    "mask_threshold": 0.45,
    "checkpoint_sha256": "a" * 64,
}
OTHER = METADATA | {"short_side": 32, "longest_side": 64, "checkpoint_sha256": "b" * 64}


class Halves:
    """Finds the left and the right half of every picture; slots are out of order, and one is empty."""

    def __init__(self, metadata: Mapping[str, Any] = METADATA, scores: Sequence[float] = (0.42, 0.0, 0.92)) -> None:
        self.mark = np.frombuffer(fingerprint(metadata), np.uint8)
        self.scores = np.array([scores], np.float32)
        self.seen: list[tuple[int, int]] = []

    def reply(self, image: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        self.seen.append((image.shape[2], image.shape[3]))
        height, width = round_up(image.shape[2]) // 4, round_up(image.shape[3]) // 4
        masks = np.zeros((1, 3, height, width), np.uint8)
        middle = image.shape[3] // 8
        masks[0, 0, :, :middle], masks[0, 2, :, middle:] = 255, 255
        classes = np.array([[0, -1, 1]], np.int64)
        return {"scores": self.scores, "classes": classes, "masks": masks, "fingerprint": self.mark[None]}


class Server:
    """Some models by their names; those that are not there do not answer."""

    def __init__(self, **models: Halves) -> None:
        self.models = models
        self.asked: list[str] = []

    def __call__(self, model: str, image: NDArray[np.uint8], outputs: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        self.asked.append(model)
        assert list(outputs) == list(FULL_REPLY)
        assert image.flags.c_contiguous
        if model not in self.models:
            raise StackError(f"The model '{model}' does not answer: it is not there.")
        return self.models[model].reply(image)


class Metrics:
    """Counters as Triton keeps them: of one name and the same labels there is one."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

    def __call__(self, name: str, description: str) -> _Family:
        assert description
        return _Family(self, name)

    def value(self, name: str, **labels: str) -> float:
        """The sum over the counters that have these labels."""
        return sum(
            value
            for (known, has), value in self.values.items()
            if known == name and labels.items() <= dict(has).items()
        )


class _Family:
    def __init__(self, metrics: Metrics, name: str) -> None:
        self._metrics, self._name = metrics, name

    def Metric(self, labels: Mapping[str, str]) -> _Counter:
        assert all(isinstance(text, str) for text in labels.values())
        return _Counter(self._metrics, (self._name, frozenset(labels.items())))


class _Counter:
    def __init__(self, metrics: Metrics, key: tuple[str, frozenset[tuple[str, str]]]) -> None:
        self._metrics, self._key = metrics, key
        metrics.values.setdefault(key, 0)

    def increment(self, value: float) -> None:
        assert value >= 0
        self._metrics.values[self._key] += value
