"""Asks a model that a Triton server serves, over gRPC. No torch here."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import ConfigError
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.export.decode import decode_reply
from sparseinst.serving.client import TritonClient

_ADDRESS = re.compile(r"grpc://(?P<server>[^/\s]+:\d+)/(?P<model>[^/\s]+)(/(?P<version>\d+))?/?")


def parse_address(address: str) -> tuple[str, str, str]:
    """The server ("host:port"), model and version ("" for the one in service) in grpc://host:port/model[/version].

    Raises:
        ConfigError: The address has another form.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ConfigError(
            "The address of a served model has another form.",
            where=address,
            fix="Write grpc://host:port/model or grpc://host:port/model/version; the port is Triton's gRPC port.",
        )
    return match["server"], match["model"], match["version"] or ""


class TritonPredictor(Predictor):
    def __init__(self, address: str) -> None:
        server, model, version = parse_address(address)
        self.device = f"Triton at {server}, over gRPC"
        self._client = TritonClient(server, model, version=version)
        super().__init__(self._client.metadata, address)

    def close(self) -> None:
        self._client.close()

    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        return decode_reply(
            self._client.infer(batch),
            sent=(batch.shape[2], batch.shape[3]),
            originals=sizes,
            mask_threshold=float(self.metadata["mask_threshold"]),
        )
