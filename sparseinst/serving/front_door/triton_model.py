"""The front door as Triton's Python backend runs it: the door's way into and out of Triton's requests."""

from __future__ import annotations

import json
import traceback
from typing import Any

import cv2
import triton_python_backend_utils as pb_utils

from sparseinst.errors import ConfigError, DatasetError, SparseInstError, StackError
from sparseinst.export.front_door import PARAMETER, PICTURE
from sparseinst.serving.front_door.answer import wanted_outputs
from sparseinst.serving.front_door.door import Door
from sparseinst.serving.front_door.picture import warm_up
from sparseinst.serving.front_door.routing import Routing
from sparseinst.serving.front_door.tally import Family
from sparseinst.serving.front_door.tensors import infer, read, write


class TritonPythonModel:
    """One process of the front door."""

    def initialize(self, args: dict[str, str]) -> None:
        cv2.setNumThreads(1)  # there are several such processes, and the model
        config = json.loads(args["model_config"])
        try:
            routing = Routing.parse(config["parameters"][PARAMETER]["string_value"])
        except (KeyError, ValueError, TypeError) as error:
            raise pb_utils.TritonModelException(
                f"The parameter '{PARAMETER}' does not say which models may answer ({error!r}). Let "
                "`sparseinst export` or `sparseinst deploy` write the configuration."
            ) from error
        warm_up()
        self._door = Door(routing, infer, _family, pb_utils.Logger.log_warn)

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def finalize(self) -> None:
        self._door.close()

    def _answer(self, request: Any) -> Any:
        if request.is_cancelled():
            return _error("The client has given up.", pb_utils.TritonError.CANCELLED)
        content = read(pb_utils.get_input_tensor_by_name(request, PICTURE.name)).tobytes()
        wanted = wanted_outputs(set(request.requested_output_names()))
        try:
            outputs = self._door.answer(content, request.parameters(), wanted)
        except (ConfigError, DatasetError) as error:
            return _error(_one_line(error), pb_utils.TritonError.INVALID_ARG)
        except StackError as error:
            return _error(_one_line(error), pb_utils.TritonError.UNAVAILABLE)
        except Exception as error:  # noqa: BLE001, a client gets no traceback
            pb_utils.Logger.log_error(traceback.format_exc())
            return _error(
                f"The front door failed ({type(error).__name__}). See the server's log.", pb_utils.TritonError.INTERNAL
            )
        return pb_utils.InferenceResponse(output_tensors=[write(name, array) for name, array in outputs.items()])


def _family(name: str, description: str) -> Family:
    family: Family = pb_utils.MetricFamily(name=name, description=description, kind=pb_utils.MetricFamily.COUNTER)
    return family


def _error(message: str, code: Any) -> Any:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))


def _one_line(error: SparseInstError) -> str:
    """The problem and what to do about it."""
    problem = f"{error.where}: {error.problem}" if error.where else error.problem
    return f"{problem} {error.fix}".strip()
