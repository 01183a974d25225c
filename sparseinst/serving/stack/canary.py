"""Whether a model answers: one small inference. Triton's "ready" is not believed; a dead stub leaves it standing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.export.contract import INPUT, OUTPUTS
from sparseinst.export.front_door import ANSWER, CANARY, PICTURE
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import DeadlinePassed, QueueFull, QueueTimeout
from sparseinst.serving.stack import triton
from sparseinst.serving.stack.state import StackState
from sparseinst.serving.stack.stubs import is_running, seconds_computed, stubs

LIMIT_S = 8.0

_SIDE = 32
_STUBBED = ("python", "pytorch")  # backends that execute in processes of their own
_AGAIN_S = 0.25
_LEAST_S = 0.1  # of processor time while the canary waited; an idle Python process uses none


@dataclass(frozen=True, slots=True)
class _Request:
    inputs: Mapping[str, NDArray[Any]]
    output: str
    priority: int  # where the model has levels, the canary goes first
    is_refused: bool = False  # by a model that lives


@dataclass(frozen=True, slots=True)
class _Work:
    """What a model has done so far."""

    answers: int
    computed_s: float

    def has_grown_since(self, before: _Work) -> bool:
        return self.answers > before.answers or self.computed_s > before.computed_s + _LEAST_S


def problem(state: StackState, model: str, *, limit_s: float = LIMIT_S) -> str:
    """Why a loaded model is of no use; empty when it answers, or is busy with other requests.

    A model that gives an error is of no use. One that is silent, or turns the canary away, is busy if within `limit_s`
    seconds it answers somebody else, or computes.
    """
    deadline = time.monotonic() + limit_s
    try:
        with triton.connect(state, timeout_s=limit_s) as connection:
            config = connection.model_config(model)
            request = _request(config)
            if found := _missing_stubs(state, model, config):
                return found
            if request is None:  # not one of ours: nothing is known of what it takes
                return "" if connection.is_ready(model) else "is not ready"
            before = _work(state, connection, model)
            while found := _ask(connection, model, request, max(deadline - time.monotonic(), _AGAIN_S)):
                if _work(state, connection, model).has_grown_since(before):
                    return ""
                if time.monotonic() > deadline:
                    return f"answers nobody since {limit_s:g} s: {found}"
                time.sleep(_AGAIN_S)
    except SparseInstError as error:
        return error.problem
    return ""


def _request(config: ModelConfig) -> _Request | None:
    names = {tensor.name for tensor in config.input}
    priority = 1 if config.dynamic_batching.priority_levels else 0
    if INPUT.name in names:
        shape = [1] * (config.max_batch_size > 0) + [3, _SIDE, _SIDE]
        return _Request({INPUT.name: np.zeros(shape, np.uint8)}, OUTPUTS[0].name, priority)
    if PICTURE.name in names:
        return _Request({PICTURE.name: np.frombuffer(CANARY, np.uint8)}, ANSWER.name, priority, is_refused=True)
    return None


def _ask(connection: Connection, model: str, request: _Request, limit_s: float) -> str:
    """Empty when the model answered; the reason when it was silent or turned us away. Its failures are raised."""
    try:
        connection.infer(model, "", request.inputs, [request.output], priority=request.priority, timeout_s=limit_s)
    except DeadlinePassed:
        return "it is silent"
    except ConfigError:
        if not request.is_refused:
            raise
    except (QueueFull, QueueTimeout) as error:
        return error.problem
    return ""


def _work(state: StackState, connection: Connection, model: str) -> _Work:
    return _Work(connection.successes(model), seconds_computed(state.processes["triton"], model))


def _missing_stubs(state: StackState, model: str, config: ModelConfig) -> str:
    """One dead process of several fails its share of the requests; the canary might meet one of the others."""
    configured = sum(group.count for group in config.instance_group)
    running = sum(is_running(stub) for stub in stubs(state.processes["triton"], model))
    if config.backend not in _STUBBED or running >= configured:
        return ""
    return f"{configured - running} of its {configured} processes have died, or are stopped"
