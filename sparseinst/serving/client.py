"""A typed client of one served model. Needs numpy and tritonclient, not torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.closing import Closing
from sparseinst.errors import ConfigError, EvaluationError
from sparseinst.export.contract import FULL_REPLY, INPUT, METADATA_KEY
from sparseinst.serving.connection import Connection

_TIMEOUT_S = 60.0


class TritonClient(Closing):
    """Sends images to a model that follows the tensor contract. One client a thread; use in `with`, or close it."""

    def __init__(self, url: str, model: str, version: str = "", timeout_s: float = _TIMEOUT_S) -> None:
        """Nothing is contacted yet.

        Args:
            url: "host:port" of Triton's gRPC.
            model: The model's name.
            version: One version, or "" for the one in service.
            timeout_s: The deadline of every call.

        Raises:
            ConfigError: The address has another form.
        """
        self._connection = Connection(url, timeout_s=timeout_s)
        self._model = model
        self._version = version

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the export wrote about the model: categories, sides, thresholds, hashes.

        Raises:
            StackError: The server does not answer.
            ConfigError: It does not serve this model.
            EvaluationError: The model says nothing about itself.
        """
        self._require_served()
        parameters = self._connection.model_config(self._model, self._version).parameters
        try:
            metadata = json.loads(parameters[METADATA_KEY].string_value)
        except ValueError:
            metadata = None
        if not isinstance(metadata, dict):
            raise EvaluationError(
                "The served model does not describe itself.",
                where=f"{self._connection.url}, parameter '{METADATA_KEY}' of model '{self._model}'",
                fix="Deploy a model that `sparseinst export` wrote.",
            )
        return metadata

    def infer(self, images: NDArray[np.uint8], outputs: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """The model's raw answer; what the tensors mean stands in `sparseinst.export.contract`.

        Args:
            images: uint8, [B, 3, H, W] RGB, already of the size that the model is to see.
            outputs: Names of the contract's outputs; by default those of its full reply. Masks are nearly all of the
                traffic.

        Returns:
            The arrays by their names, the batch first.

        Raises:
            StackError: The server or the model does not answer.
            ConfigError: The images have another form, or the server does not serve this model.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise ConfigError(
                f"The model takes uint8 [B, 3, H, W], not {images.dtype} {list(images.shape)}.",
                where=f"model '{self._model}'",
                fix="Stack RGB images of one size, channels first.",
            )
        names = list(FULL_REPLY if outputs is None else outputs)
        return self._connection.infer(self._model, self._version, {INPUT.name: images}, names)

    def close(self) -> None:
        self._connection.close()

    def _require_served(self) -> None:
        if self._connection.is_ready(self._model, self._version):
            return
        served = [entry for entry in self._connection.models() if entry.state == "READY"]
        name = f"'{self._model}'" + (f" version {self._version}" if self._version else "")
        raise ConfigError(
            f"Triton does not serve {name}.",
            where=self._connection.url,
            details=[f"it serves '{entry.name}' version {entry.version}" for entry in served],
            fix="Name a model that it serves." if served else "Deploy a model first: `sparseinst deploy`.",
        )
