"""Triton's counters say how many instances compute, as the rule pod_model:sparseinst_computing:mean1m takes them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.scaling.loops import closed_loop
from sparseinst.errors import StackError
from sparseinst.serving.connection import Connection
from sparseinst.serving.drift.scrape import scrape
from sparseinst.serving.stack import triton
from tests.serving.client.servers import OwnTriton, own_triton

pytestmark = pytest.mark.stack

_PHASES = [f"nv_inference_compute_{phase}_duration_us" for phase in ("input", "infer", "output")]
_EXECUTIONS, _REQUESTS = "nv_inference_exec_count", "nv_inference_request_success"
_CODE = """import time

import torch
import triton_python_backend_utils as pb_utils
from torch.utils.dlpack import to_dlpack


class TritonPythonModel:
    def execute(self, requests):
        time.sleep(0.1)
        tensor = pb_utils.Tensor.from_dlpack("scores", to_dlpack(torch.zeros(1, 1)))
        return [pb_utils.InferenceResponse(output_tensors=[tensor]) for _ in requests]
"""
_CONFIG = """backend: "python"
max_batch_size: 4
input [ { name: "image", data_type: TYPE_UINT8, dims: [ 1 ] } ]
output [ { name: "scores", data_type: TYPE_FP32, dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU, count: 2 } ]
dynamic_batching { preferred_batch_size: [ 4 ] max_queue_delay_microseconds: 2000 }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnTriton]:
    """Its model takes 0.1 s for a batch, however large it is, and has two instances."""
    try:
        triton.require_program()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")
    folder = tmp_path_factory.mktemp("computing")
    (folder / "models" / "batched" / "1").mkdir(parents=True)
    (folder / "models" / "batched" / "1" / "model.py").write_text(_CODE)
    (folder / "models" / "batched" / "config.pbtxt").write_text(_CONFIG)
    with own_triton(folder, folder / "models") as server:
        server.load("batched")
        yield server


@pytest.mark.parametrize(("clients", "busy"), [(1, 1), (16, 2)])
def test_executions_over_requests_make_batches_count_once(server: OwnTriton, clients: int, busy: int):
    """One client keeps one instance busy; sixteen keep both, with four of their requests in each batch."""
    names = [*_PHASES, _EXECUTIONS, _REQUESTS]

    def counted() -> dict[str, float]:
        return {series.name: value for series, value in scrape(f"http://127.0.0.1:{port}/metrics", names).items()}

    port = server.state.ports["metrics"]
    image = np.zeros((1, 1), np.uint8)
    with Connection(server.url, timeout_s=60) as connection:
        connection.infer("batched", "", {"image": image}, ["scores"])
        before, begin = counted(), time.perf_counter()
        closed_loop(lambda: connection.infer("batched", "", {"image": image}, ["scores"]), clients, 2)
        seconds = time.perf_counter() - begin
        rate = {name: (value - before[name]) / seconds for name, value in counted().items()}
    charged = sum(rate[name] for name in _PHASES) / 1e6
    batch = rate[_REQUESTS] / rate[_EXECUTIONS]
    assert charged / batch == pytest.approx(busy, rel=0.25)
    assert batch == pytest.approx(1 if clients == 1 else 4, rel=0.4)
    if clients > 1:
        assert charged > 2 * busy, "each request is charged the time of its whole batch"
