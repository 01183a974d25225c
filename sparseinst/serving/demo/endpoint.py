"""The live endpoint that the page asks: a served model, through its front door."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import Any

from sparseinst.closing import Closing
from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.export.contract import fingerprint
from sparseinst.export.front_door import PICTURE
from sparseinst.serving.client.front_door import FrontDoorClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.metadata import metadata_of
from sparseinst.serving.refusals import NoServer

LEAST_SCORE = 0.05  # the page has a slider for the rest
MOST_OBJECTS = 100

_TIMEOUT_S = 60.0
_LOOK_TIMEOUT_S = 10.0


class Endpoint(Closing):
    """One served model. Threads may share it."""

    def __init__(self, server: str, model: str) -> None:
        """Nothing is contacted yet.

        Args:
            server: "host:port" of Triton's gRPC, with grpc:// or grpcs:// in front if you like.
            model: The model's name, without the front door's ending.
        """
        self.server = server if "://" in server else f"grpc://{server}"
        self.model = model
        self._alone = Lock()
        self._client = self._new_client()

    @property
    def address(self) -> str:
        return f"{self.server}/{self.model}"

    def ask(self, picture: bytes) -> dict[str, Any]:
        """The front door's answer to a picture's file; docs/front_door.md shows one.

        Raises:
            StackError: The endpoint does not answer, or failed.
            ConfigError: It refuses the picture.
        """
        client = self._client
        try:
            return client.answer(picture, min_score=LEAST_SCORE, most=MOST_OBJECTS)
        except NoServer:
            self._begin_anew(client)
            raise
        except ConfigError as error:
            raise _in_its_own_words(error) from error

    def describe(self) -> dict[str, Any]:
        """The model in service.

        Returns:
            Its "fingerprint" (16 hexadecimal digits), "checkpoint" (64), "classes" (names), and its "version", which is
            "" where the server does not tell, or has several.

        Raises:
            StackError: The endpoint does not answer.
            ConfigError: It does not serve the model, or one that says nothing about itself.
        """
        with Connection(self.server, timeout_s=_LOOK_TIMEOUT_S) as connection:
            metadata = metadata_of(connection.model_config(self.model))
            versions: list[str] = []
            with suppress(SparseInstError):  # the repository's index may need a key
                versions = [m.version for m in connection.models() if m.name == self.model and m.state == "READY"]
        try:
            return {
                "fingerprint": fingerprint(metadata).hex(),
                "checkpoint": metadata["checkpoint_sha256"],
                "classes": [category["name"] for category in metadata["categories"]],
                "version": versions[0] if len(versions) == 1 else "",
            }
        except (KeyError, TypeError) as error:
            raise ConfigError(
                "The served model does not describe itself.",
                where=self.address,
                fix="Deploy a model that `sparseinst export` wrote.",
            ) from error

    def close(self) -> None:
        self._client.close()

    def _new_client(self) -> FrontDoorClient:
        return FrontDoorClient(self.server, self.model, timeout_s=_TIMEOUT_S)

    def _begin_anew(self, failed: FrontDoorClient) -> None:
        """A connection that found nobody looks again ever more seldom; a new one sees at once that a server is back."""
        with self._alone:
            if self._client is failed:
                self._client = self._new_client()
                failed.close()


def _in_its_own_words(error: ConfigError) -> ConfigError:
    """What the front door said: a sentence about the problem, and what to do."""
    said = error.problem.removeprefix("Triton refuses: ").removeprefix(f"{PICTURE.name}: ")
    problem, dot, fix = said.partition(". ")
    return ConfigError(problem + dot.strip(), where=error.where, fix=fix or error.fix)
