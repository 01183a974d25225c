"""What serves a model's requests, the model and its front door, and the switch to another version of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sparseinst.log import get_logger
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.front import FrontDoor, Metadata, distinct
from sparseinst.serving.rollout.front_proof import prove_front
from sparseinst.serving.rollout.golden import GoldenImage, Proof, prove
from sparseinst.serving.rollout.loading import load
from sparseinst.serving.rollout.target import Committed, Target
from sparseinst.serving.rollout.undo import Undo
from sparseinst.storage import Storage

log = get_logger("deploy")


class Service:
    """A model's folder and its front door's in the repository, and a server that serves from them.

    `has_published` is true from the moment at which this rollout changes what a server that starts would serve.
    """

    def __init__(self, triton: Connection, storage: Storage, name: str, check_lock: Callable[[], None]) -> None:
        self.triton = triton
        self.storage = storage
        self.name = name
        self.check_lock = check_lock
        self.target = Target(storage, name)
        self.front = FrontDoor(triton, storage, name)
        self.has_published = False

    def open_front_door(self, new: Metadata, undo: Undo, canary: Mapping[str, Any] | None = None) -> None:
        """Loads a front door that knows a version to come, the one in service, and those that a rollback may go to.

        An answer carries the mark of the model that gave it. So a front door that knows both may be loaded before the
        switch: it reads every answer with the right categories, whichever version gives it.
        """
        known = distinct([*self._descriptions(), new])
        self.check_lock()
        self._restore_front_door(undo)
        self.front.put(known, canary)

    def close_front_door(self, undo: Undo) -> None:
        """Takes it out of service, where one serves: it would not know the version to come."""
        if self.front.published() is not None:
            log.warning("'%s' goes out of service", self.front.name)
            self._restore_front_door(undo)
            self.front.remove()

    @cached_property
    def _front_at_first(self) -> bytes | None:
        return self.front.published()

    def _restore_front_door(self, undo: Undo) -> None:
        before = self._front_at_first
        self.has_published = True
        undo.add(lambda: self.front.restore(before), f"'{self.front.name}' is not as it was")

    def _descriptions(self) -> list[Metadata]:
        current = self.target.current()
        versions = sorted(self.target.good(), key=lambda version: (version != current, -version))
        return [self.target.metadata(version) for version in versions]

    def switch(self, version: int, golden: list[GoldenImage], undo: Undo) -> Proof:
        """Commits a whole version, loads it and proves it, through the front door too where there is one.

        Args:
            version: Its number.
            golden: Its golden images.
            undo: Learns how to go back.

        Raises:
            DeployError: It does not load, or answers otherwise than it should.
        """
        before, files = self.target.committed(), self.target.to_commit(version)
        self.check_lock()
        self.has_published = True
        undo.add(lambda: self._serve(before), "Triton takes up the old version when it is back")
        undo.add(lambda: self.target.write(before), f"{self.storage.uri} may still name version {version} as served")
        self.target.write(files)
        load(self.triton, self.storage, self.name)
        proof = prove(self.triton, self.name, str(version), golden)
        if self.front.published() is not None:
            prove_front(self.triton, self.front.name, golden, self.target.metadata(version))
        return proof

    def _serve(self, files: Committed) -> None:
        if files.config is None:
            self.triton.unload(self.name)
        else:
            load(self.triton, self.storage, self.name)
