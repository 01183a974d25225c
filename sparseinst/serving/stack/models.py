"""Making Triton serve what the model repository publishes."""

from __future__ import annotations

from collections.abc import Container

from sparseinst.errors import SparseInstError
from sparseinst.export.contract import FRONT
from sparseinst.log import get_logger
from sparseinst.serving.rollout.lock import is_held
from sparseinst.serving.stack import canary, seaweed, triton
from sparseinst.serving.stack.state import StackState
from sparseinst.serving.stack.status import ModelStatus, model_status
from sparseinst.serving.stack.stubs import kill_stubs

log = get_logger("stack")

_LOAD_LIMIT_S = 300.0  # warm-up included


def load_models(state: StackState, leave: Container[str] = ()) -> None:
    """Loads the published models that do not answer. One that fails is only told: the next deploy may mend it.

    Args:
        state: The stack, whose servers serve.
        leave: Names of models that are left as they are.
    """
    for model in model_status(state):  # by name: a model comes before its front door, which cannot answer without it
        if not model.problem or model.name in leave:
            continue
        try:
            if not model.version:
                _load(state, model.name)
            elif canary.problem(state, model.name):  # still: the model behind a front door may be back by now
                _load_anew(state, model)
        except SparseInstError as error:
            log.warning("triton cannot load '%s': %s", model.name, error.problem)


def is_rolled_out(state: StackState, model: str) -> bool:
    """Whether a deploy or rollback of the model is going on, which loads and unloads it as it needs."""
    content = seaweed.read_model_object(state, f"{model.removesuffix(FRONT)}.lock")
    return content is not None and is_held(content)


def _load(state: StackState, name: str) -> None:
    with triton.connect(state, timeout_s=_LOAD_LIMIT_S) as connection:
        connection.load(name)
    log.info("triton loaded '%s' from %s", name, state.model_repository)


def _load_anew(state: StackState, model: ModelStatus) -> None:
    """For a model that is loaded but dead: to load it again would change nothing."""
    log.warning("'%s' is dead: %s", model.name, model.problem)
    kill_stubs(state.processes["triton"], model.name)  # one that hangs would never be unloaded
    with triton.connect(state, timeout_s=_LOAD_LIMIT_S) as connection:
        connection.unload(model.name)
    _load(state, model.name)
