"""Triton takes up what the repository holds."""

from __future__ import annotations

import time

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.export.contract import CONFIG_FILE
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.configuration import is_taken_up, parse_config
from sparseinst.storage import Storage

_CLOCK_TICK_S = 1.1  # many stores keep times in whole seconds


class NotLoaded(DeployError):
    """Triton refused to load a model."""


def load(triton: Connection, storage: Storage, name: str) -> None:
    """Loads a model as its config.pbtxt says, and makes sure that Triton took up this text and no older one.

    Triton looks at files again only where their times differ, and two changes may fall into one tick of a store's
    clock.

    Raises:
        NotLoaded: Triton does not load it.
        DeployError: It is not in the repository that Triton serves from.
    """
    config = storage.read_bytes(f"{name}/{CONFIG_FILE}")
    written = parse_config(config, f"{storage.uri}/{name}/{CONFIG_FILE}")
    _load(triton, storage, name)
    if is_taken_up(written, triton.model_config(name)):
        return
    time.sleep(_CLOCK_TICK_S)
    storage.write_bytes(f"{name}/{CONFIG_FILE}", config)
    _load(triton, storage, name)
    if not is_taken_up(written, triton.model_config(name)):
        raise DeployError(
            "Triton goes on with an older configuration than the repository has.",
            where=f"{triton.url}, model '{name}'",
            fix=f"Check that it serves from {storage.uri}; see its log.",
        )


def _load(triton: Connection, storage: Storage, name: str) -> None:
    try:
        triton.load(name)
    except SparseInstError as error:
        if name not in {model.name for model in triton.models()}:
            raise DeployError(
                f"Triton does not find it: {triton.url} does not serve from {storage.uri}.",
                where=f"{triton.url}, model '{name}'",
                fix="Give --to the model repository that this Triton was started with, as seen from here.",
            ) from error
        raise NotLoaded(
            f"Triton does not load it: {error.problem}",
            where=f"{triton.url}, model '{name}'",
            fix="Export the model again, with the torch version that the server has; see the server's log.",
        ) from error
