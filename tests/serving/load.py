"""More requests than a model can answer at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

from sparseinst.serving import stack


@contextmanager
def waiting_requests(servers: stack.StackState, name: str, count: int) -> Iterator[None]:
    """So many requests wait for the model; those that still do at the end are taken back."""
    with InferenceServerClient(servers.triton_url) as client:
        image = InferInput("image", [1, 3, 8, 8], "UINT8")
        image.set_data_from_numpy(np.zeros((1, 3, 8, 8), np.uint8))
        asked = [client.async_infer(name, [image], lambda result, error: None) for _ in range(count)]
        yield
        for request in asked:
            request.cancel()
