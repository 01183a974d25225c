"""Asks a model that a Triton server serves, over gRPC. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.categories import Category
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.export.contract import fingerprint
from sparseinst.export.decode import decode_reply
from sparseinst.serving.address import parse_address
from sparseinst.serving.client import TritonClient
from sparseinst.serving.retry import Retry
from sparseinst.serving.security import Security

# Nobody waits for an evaluation: it lets others pass where the queue is full.
_RETRY = Retry(times=8, queue_full=True)


class TritonPredictor(Predictor):
    """`predict` holds to the model that it found at first; `look` goes along when a rollout changes the model."""

    def __init__(
        self, address: str, *, concurrency: int = 4, compact: bool = False, security: Security | None = None
    ) -> None:
        """Args:
        address: grpc://host:port/model[/version], with grpcs:// for TLS.
        concurrency: How many requests of `look` are at the server at a time.
        compact: Masks of `look` come as small crops: less traffic, large ones' edges a little less exact.
        security: For TLS; by default what the environment says.
        """
        server, model, version = parse_address(address)
        self.device = f"Triton at {server}, over gRPC"
        self.concurrency = concurrency
        self._address = address
        self._compact = compact
        self._client = TritonClient(server, model, version=version, retry=_RETRY, security=security)
        super().__init__(self._client.metadata, address)
        self._fingerprint = fingerprint(self.metadata)

    def close(self) -> None:
        self._client.close()

    def look(
        self, image: NDArray[np.uint8], turn: AbstractContextManager[object], min_score: float
    ) -> tuple[Instances, Sequence[Category]]:
        found = self._client.look(image, min_score=min_score, compact=self._compact, turn=turn)
        return found, found.categories

    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        reply = self._client.infer(batch)
        if any(answered.tobytes() != self._fingerprint for answered in reply["fingerprint"]):
            raise EvaluationError(
                "Another model was put into service meanwhile: what was found would be of two models.",
                where=self._address,
                fix="Begin again; name a version (grpc://host:port/model/version) to hold to it.",
            )
        return decode_reply(
            reply,
            sent=(batch.shape[2], batch.shape[3]),
            originals=sizes,
            mask_threshold=float(self.metadata["mask_threshold"]),
        )
