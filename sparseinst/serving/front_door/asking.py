"""Asks a served model about a picture, and finds out which model answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import StackError
from sparseinst.export.contract import FULL_REPLY
from sparseinst.imaging.resize import resize_image
from sparseinst.serving.front_door.routing import Addressed, KnownModel

_MOST_TIMES = 2  # a model that wants another size is asked again


class Infer(Protocol):
    """One request to a model of Triton's.

    Raises:
        StackError: There is no answer.
    """

    def __call__(self, model: str, image: NDArray[np.uint8], outputs: Sequence[str]) -> Mapping[str, NDArray[Any]]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """A model's answer about one picture.

    Attributes:
        name: The model's name in Triton.
        model: Which one answered.
        outputs: The contract's outputs by name, a batch of one first.
        sent: (height, width) that the model saw.
        resize_s, model_s: Seconds that it took.
    """

    name: str
    model: KnownModel
    outputs: Mapping[str, NDArray[Any]]
    sent: tuple[int, int]
    resize_s: float
    model_s: float


@dataclass(slots=True)
class Asker:
    """Asks one of Triton's models. What answered last says at which size the next picture is sent."""

    addressed: Addressed
    infer: Infer
    _latest: KnownModel = field(init=False)

    def __post_init__(self) -> None:
        self._latest = self.addressed.known[0]

    def ask(self, picture: NDArray[np.uint8]) -> Reply:
        """Asks about a picture (uint8, [H, W, 3]).

        Raises:
            StackError: The model does not answer, or another than those known did.
        """
        name, (height, width) = self.addressed.name, picture.shape[:2]
        resize_s = model_s = 0.0
        for _ in range(_MOST_TIMES):
            sent = self._latest.target(height, width)
            start = perf_counter()
            image = np.ascontiguousarray(resize_image(picture, *sent).transpose(2, 0, 1)[None])
            asked = perf_counter()
            outputs = self.infer(name, image, FULL_REPLY)
            resize_s, model_s = resize_s + asked - start, model_s + perf_counter() - asked
            self._latest = self._recognise(outputs)
            if self._latest.target(height, width) == sent:
                return Reply(name, self._latest, outputs, sent, resize_s, model_s)
        raise StackError(
            f"The model '{name}' is just being exchanged: twice another one answered.", fix="Try again in a second."
        )

    def _recognise(self, outputs: Mapping[str, NDArray[Any]]) -> KnownModel:
        mark = outputs["fingerprint"].tobytes()
        for model in self.addressed.known:
            if model.fingerprint == mark:
                return model
        known = ", ".join(model.fingerprint.hex() for model in self.addressed.known)
        raise StackError(
            f"'{self.addressed.name}' was answered by a model that this front door does not know: {mark.hex()}; it "
            f"knows {known}.",
            fix="Load a front door whose configuration names that model; `sparseinst deploy` switches both.",
        )
