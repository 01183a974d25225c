"""The front door's place in the repository and in the server: <name>_front/{config.pbtxt, 1/model.py}."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.export.contract import CONFIG_FILE, FRONT, fingerprint
from sparseinst.export.front_door import MODEL_CODE_FILE, PARAMETER, front_config, front_model_py
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.configuration import parse_config
from sparseinst.serving.rollout.loading import load
from sparseinst.storage import Storage

Metadata = Mapping[str, Any]


def front_files(model: str, known: Sequence[Metadata], **settings: Any) -> dict[str, bytes]:
    """The front door of a model by its files' names; see `front_config` for the arguments. config.pbtxt is last."""
    return _files(front_config(model, known, **settings).encode())


def _files(config: bytes) -> dict[str, bytes]:
    return {f"1/{MODEL_CODE_FILE}": front_model_py().encode(), CONFIG_FILE: config}


def routes_of(config: ModelConfig) -> dict[str, Any]:
    """Whom a front door asks: "known" and "canary"; empty where it is none of this project's."""
    try:
        routes = json.loads(config.parameters[PARAMETER].string_value)
    except ValueError:
        return {}
    return routes if isinstance(routes, dict) else {}


class FrontDoor:
    """The front door of the model `model`."""

    def __init__(self, triton: Connection, storage: Storage, model: str) -> None:
        self.name = model + FRONT
        self._triton = triton
        self._storage = storage
        self._model = model

    def published(self) -> bytes | None:
        """Its config.pbtxt; None where there is no front door."""
        key = f"{self.name}/{CONFIG_FILE}"
        return self._storage.read_bytes(key) if self._storage.exists(key) else None

    def routes(self) -> dict[str, Any]:
        """As `routes_of`; empty where there is no front door, too."""
        content = self.published()
        if content is None:
            return {}
        return routes_of(parse_config(content, f"{self._storage.uri}/{self.name}/{CONFIG_FILE}"))

    def knows(self, metadata: Metadata) -> bool:
        return fingerprint(metadata) in {fingerprint(known) for known in self.routes().get("known", ())}

    def put(self, known: Sequence[Metadata], canary: Mapping[str, Any] | None = None) -> None:
        """Writes it and loads it; while it is loaded, the one before answers.

        Raises:
            DeployError: Triton does not load it.
        """
        self._bring(front_config(self._model, known, canary=canary).encode())

    def restore(self, config: bytes | None) -> None:
        """Back to what `published` gave."""
        if config is None:
            self.remove()
        else:
            self._bring(config)

    def ensure(self) -> None:
        """Loads it where it is published and does not serve, as after a restart of a server that was not told of it."""
        config = self.published()
        if config is not None:
            self._bring(config)

    def remove(self) -> None:
        """Takes it out of the repository, the configuration first, and out of the server."""
        self._storage.delete(f"{self.name}/{CONFIG_FILE}")
        self._storage.delete_prefix(self.name)
        if self._triton.is_ready(self.name):
            self._triton.unload(self.name)

    def _bring(self, config: bytes) -> None:
        if config != self.published():
            for file, content in _files(config).items():
                self._storage.write_bytes(f"{self.name}/{file}", content)
        elif self._triton.is_ready(self.name):
            return
        load(self._triton, self._storage, self.name)


def distinct(descriptions: Sequence[Metadata]) -> list[Metadata]:
    """Each model once, in their order; those that say nothing about themselves cannot be recognised."""
    by_mark = {fingerprint(metadata): metadata for metadata in reversed(descriptions) if metadata}
    return list(reversed(by_mark.values()))
