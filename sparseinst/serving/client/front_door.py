"""A client of a model's front door: a picture's file goes in, JSON comes out. For those who need no arrays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sparseinst.closing import Closing
from sparseinst.export.contract import FRONT
from sparseinst.export.front_door import ANSWER, PICTURE
from sparseinst.serving.connection import Connection
from sparseinst.serving.retry import Retry
from sparseinst.serving.security import Security

_TIMEOUT_S = 60.0


class FrontDoorClient(Closing):
    """Sends pictures as they are: the server decodes and resizes them. To be used in a `with` block, or closed.

    Threads may share one, as a `TritonClient`.
    """

    def __init__(
        self,
        url: str,
        name: str,
        timeout_s: float = _TIMEOUT_S,
        *,
        key: str | None = None,
        security: Security | None = None,
        retry: Retry | None = None,
    ) -> None:
        """Nothing is contacted yet.

        Args:
            url: "host:port" of Triton's gRPC; with grpcs:// in front, over TLS.
            name: The model's name; the front door's is `<name>_front`.
            timeout_s: The deadline of every call, its retries included.
            key: For a server with restricted protocols; by default SPARSEINST_TRITON_KEY of the environment.
            security: For TLS; by default SPARSEINST_TLS_CA and its like, where the url says grpcs://.
            retry: When a call is made again; by default 3 times where no connection could be made.

        Raises:
            ConfigError: The address has another form, or a file for TLS is missing or wrong.
        """
        self._connection = Connection(url, timeout_s=timeout_s, key=key, security=security, retry=retry or Retry())
        self._name = name.removesuffix(FRONT) + FRONT

    def answer(
        self,
        picture: bytes,
        *,
        min_score: float | None = None,
        most: int | None = None,
        polygons: bool = False,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        """The objects in one picture.

        Args:
            picture: The content of a JPEG, PNG, WebP… file.
            min_score: Less certain objects are left out; by default the server's choice, 0.3.
            most: How many objects at most; by default the server's choice, 100.
            polygons: Outlines (holes filled) instead of RLE.
            timeout_s: Another deadline than the client's.

        Returns:
            COCO-style: "images", "annotations" (best first), "categories", and "model" and "timing_ms"; see
            docs/front_door.md.

        Raises:
            StackError: The server or the model does not answer in time.
            ConfigError: The picture or an option is refused, or there is no such front door.
        """
        asked = {"min_score": min_score, "most": most, "polygons": polygons or None}
        reply = self._connection.infer(
            self._name,
            "",
            {PICTURE.name: np.frombuffer(picture, np.uint8)},
            [ANSWER.name],
            parameters={name: value for name, value in asked.items() if value is not None},
            timeout_s=timeout_s,
        )
        answer: dict[str, Any] = json.loads(reply[ANSWER.name].tobytes())
        return answer

    def close(self) -> None:
        self._connection.close()
