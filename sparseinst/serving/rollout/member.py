"""One replica: what it serves of a model, and how it comes to serve what the repository publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import SparseInstError
from sparseinst.export.contract import CONFIG_FILE, FRONT, fingerprint
from sparseinst.serving.connection import Connection
from sparseinst.serving.metadata import metadata_of
from sparseinst.serving.rollout.configuration import is_taken_up, parse_config, served_version
from sparseinst.serving.rollout.front import routes_of
from sparseinst.serving.rollout.front_proof import prove_front
from sparseinst.serving.rollout.golden import GoldenImage, prove, smallest
from sparseinst.serving.rollout.loading import load
from sparseinst.storage import Storage


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A model and its front door by their configurations; None for one that is not there."""

    model: ModelConfig | None
    front: ModelConfig | None

    @classmethod
    def published(cls, storage: Storage, name: str) -> Self:
        """What the repository puts into service."""
        return cls(_published(storage, name), _published(storage, name + FRONT))

    @classmethod
    def served(cls, triton: Connection, name: str) -> Self:
        """What a server serves.

        Raises:
            StackError: It does not answer.
        """
        return cls(_served(triton, name), _served(triton, name + FRONT))

    @property
    def version(self) -> int | None:
        return None if self.model is None else served_version(self.model)

    @property
    def fingerprint(self) -> str:
        """Of the model's answers, in hexadecimal; empty where there is no model."""
        return "" if self.model is None else fingerprint(metadata_of(self.model)).hex()

    def difference(self, published: Pair) -> str:
        """What of it is not as it is published; empty where all is."""
        parts = {"the model": (self.model, published.model), "the front door": (self.front, published.front)}
        other = [part for part, (served, wanted) in parts.items() if not _is_as(served, wanted)]
        return f"{' and '.join(other)} {'is' if len(other) == 1 else 'are'} not as published" if other else ""

    def can_read(self, other: Pair) -> bool:
        """Whether this front door, if there is one, knows the other's model, if there is one."""
        if self.front is None or other.model is None:
            return True
        return other.fingerprint in {fingerprint(known).hex() for known in routes_of(self.front).get("known", ())}


class Member:
    """A replica of the model `name`; `was` is what it served when it was asked first."""

    def __init__(self, triton: Connection, storage: Storage, name: str, published: Pair) -> None:
        """
        Raises:
            StackError: It does not answer.
        """
        self._triton = triton
        self._storage = storage
        self._name = name
        self._published = published
        self.was = Pair.served(triton, name)

    def bring(self, *, anew: bool = False, may_unload: bool = True) -> bool:
        """Loads what is not served as it is published. While a part is loaded, the one before answers.

        Args:
            anew: Loads it even so: a load that was begun may still end.
            may_unload: Whether what is not published goes out of service, too.

        Returns:
            Whether anything was done.

        Raises:
            DeployError: It does not load.
            StackError: The server does not answer.
        """
        # A front door fails where a model answers that it does not know.
        options = {"anew": anew, "may_unload": may_unload}
        if not self._published.can_read(self.was):
            return any([self.bring_model(**options), self.bring_front(**options)])
        try:
            has_changed = self.bring_front(**options)
        except SparseInstError:
            if self.was.can_read(self._published):
                self.bring_model(**options)
            raise
        return self.bring_model(**options) or has_changed

    def bring_model(self, *, anew: bool = False, may_unload: bool = True) -> bool:
        """The same for the model alone."""
        return self._bring(self._name, self.was.model, self._published.model, anew, may_unload)

    def bring_front(self, *, anew: bool = False, may_unload: bool = True) -> bool:
        """The same for the front door alone."""
        return self._bring(self._name + FRONT, self.was.front, self._published.front, anew, may_unload)

    def prove(self, golden: list[GoldenImage]) -> None:
        """Asks for one golden image, by tensor and through the front door. The version itself was proven by all.

        Args:
            golden: The golden images of the version that is published.

        Raises:
            DeployError: The answer differs.
            StackError: The server or the model does not answer.
        """
        if self._published.model is None:
            return
        prove(self._triton, self._name, str(self._published.version or ""), smallest(golden))
        if self._published.front is not None:
            metadata = metadata_of(self._published.model)
            prove_front(self._triton, self._name + FRONT, golden, metadata, is_one_enough=True)

    def _bring(
        self, name: str, served: ModelConfig | None, published: ModelConfig | None, anew: bool, may_unload: bool
    ) -> bool:
        if _is_as(served, published) and not (anew and published is not None):
            return False
        if published is not None:
            load(self._triton, self._storage, name)
        elif may_unload:
            self._triton.unload(name)
        return published is not None or may_unload


def _is_as(served: ModelConfig | None, published: ModelConfig | None) -> bool:
    if served is None or published is None:
        return served is published
    return is_taken_up(published, served)


def _published(storage: Storage, name: str) -> ModelConfig | None:
    key = f"{name}/{CONFIG_FILE}"
    return parse_config(storage.read_bytes(key), f"{storage.uri}/{key}") if storage.exists(key) else None


def _served(triton: Connection, name: str) -> ModelConfig | None:
    return triton.model_config(name) if triton.is_ready(name) else None
