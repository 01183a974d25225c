"""A typed client of one served model."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.closing import Closing
from sparseinst.data.categories import Category
from sparseinst.errors import ConfigError, DatasetError, EvaluationError, StackError
from sparseinst.export.contract import COMPACT_REPLY, FULL_REPLY, INPUT, LEAST_MAX_PIXELS, METADATA_KEY
from sparseinst.imaging.decode import decode_image
from sparseinst.imaging.files import picture_files
from sparseinst.parallel import in_order
from sparseinst.serving.client.answer import Answer, FileAnswer
from sparseinst.serving.client.description import Description
from sparseinst.serving.client.shared_memory import SharedMemory
from sparseinst.serving.connection import Connection
from sparseinst.serving.metadata import metadata_of
from sparseinst.serving.refusals import Restricted
from sparseinst.serving.retry import Retry
from sparseinst.serving.security import Security

_TIMEOUT_S = 60.0
_CONCURRENCY = 4
# A picture's masks have its own size: 100 of one of this size are 18 GB. Pillow opens no larger files, either.
_LARGEST_PICTURE_PIXELS = 2 * 89_478_485
_MOST_CHANGES = 3


class TritonClient(Closing):
    """Sends images to a model that follows the tensor contract. To be used in a `with` block, or closed.

    Threads may share one, and should: it is one connection (see `Connection`). A process that forks must open its own
    in the child. When a rollout puts another model into service, the client notices by the fingerprint of an answer
    and reads that model's description, so that an answer never meets the categories or thresholds of another model.
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: str = "",
        timeout_s: float = _TIMEOUT_S,
        *,
        key: str | None = None,
        security: Security | None = None,
        retry: Retry | None = None,
        concurrency: int = _CONCURRENCY,
        shared_memory: bool = False,
    ) -> None:
        """Nothing is contacted yet.

        Args:
            url: "host:port" of Triton's gRPC; with grpcs:// in front, over TLS.
            model: The model's name.
            version: One version, or "" for the one in service.
            timeout_s: The deadline of every call, its retries included.
            key: For a server with restricted protocols; by default SPARSEINST_TRITON_KEY of the environment.
            security: For TLS; by default SPARSEINST_TLS_CA and its like, where the url says grpcs://.
            retry: When a call is made again; by default 3 times where no connection could be made.
            concurrency: How many requests `predict_async`, `predict_many` and `predict_files` have at the server at
                a time, all together.
            shared_memory: Images and answers go through memory that client and server share; for a client on the
                server's machine.

        Raises:
            ConfigError: The address has another form, or a file for TLS is missing or wrong.
        """
        if concurrency < 1:
            raise ConfigError("At least one request goes at a time.", where=f"concurrency={concurrency}")
        self._connection = Connection(url, timeout_s=timeout_s, key=key, security=security, retry=retry or Retry())
        self._model = model
        self._version = version
        self._memory = SharedMemory(self._connection) if shared_memory else None
        self._turns = threading.BoundedSemaphore(concurrency)
        # While some threads wait for the server, others read pictures and decode masks.
        self._threads = concurrency + (os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._known: dict[bytes, Description] = {}  # every model that this client has read of, by its fingerprint
        self._latest: Description | None = None  # the one that answered last

    @property
    def metadata(self) -> dict[str, Any]:
        """What the export wrote about the model: categories, sides, thresholds, hashes. Read once, and after a change.

        Raises:
            StackError: The server does not answer.
            ConfigError: It does not serve this model.
            EvaluationError: The model says nothing about itself.
        """
        return dict((self._latest or self._read_description()).metadata)

    @property
    def categories(self) -> list[Category]:
        """In the order of the class index; of the model that answered last. Raises what `metadata` does."""
        return self._described().categories

    def infer(
        self, images: NDArray[np.uint8], outputs: Sequence[str] | None = None, *, timeout_s: float | None = None
    ) -> dict[str, NDArray[Any]]:
        """The model's raw answer; what the tensors mean stands in `sparseinst.export.contract`.

        Args:
            images: uint8, [B, 3, H, W] RGB, already of the size that the model is to see.
            outputs: Names of the contract's outputs; by default those of its full reply. Masks are nearly all of the
                traffic.
            timeout_s: Another deadline than the client's.

        Returns:
            The arrays by their names, the batch first.

        Raises:
            StackError: The server or the model does not answer.
            ConfigError: The images have another form or are too large, or the server does not serve this model.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise ConfigError(
                f"The model takes uint8 [B, 3, H, W], not {images.dtype} {list(images.shape)}.",
                where=f"model '{self._model}'",
                fix="Stack RGB images of one size, channels first.",
            )
        height, width = images.shape[2:]
        if self._latest or height * width > LEAST_MAX_PIXELS:  # hardly a model takes less; that one says so itself
            self._described().require_small_enough(height, width, f"model '{self._model}'")
        names = list(FULL_REPLY if outputs is None else outputs)
        if self._memory is not None:
            return self._memory.infer(self._model, self._version, images, names, timeout_s)
        return self._connection.infer(self._model, self._version, {INPUT.name: images}, names, timeout_s=timeout_s)

    def predict(
        self,
        image: NDArray[np.uint8],
        *,
        min_score: float = 0.0,
        compact: bool = False,
        timeout_s: float | None = None,
    ) -> Answer:
        """Finds the objects in one image of any size; it is resized by the model's own rule.

        Args:
            image: uint8, [H, W, 3] RGB.
            min_score: Less certain objects are left out; that saves the making of their masks.
            compact: Masks come as small crops: a fraction of the traffic, and large ones' edges a little less exact.
            timeout_s: Another deadline than the client's.

        Returns:
            The objects, best first, with masks of the image's size.

        Raises:
            StackError: The server or the model does not answer in time.
            ConfigError: The image has another form or is too large, or the server does not serve this model.
            EvaluationError: The model says nothing about itself.
        """
        return self.look(image, min_score=min_score, compact=compact, timeout_s=timeout_s)

    def predict_async(
        self,
        image: NDArray[np.uint8],
        *,
        min_score: float = 0.0,
        compact: bool = False,
        timeout_s: float | None = None,
    ) -> Future[Answer]:
        """The same at once, done in threads beside. No more than `concurrency` requests are at the server; others wait.

        The deadline begins when the request is sent. What is still under way when the client is closed fails.
        """
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=f"predict-{self._model}")
            pool = self._pool
        return pool.submit(
            self.look, image, min_score=min_score, compact=compact, timeout_s=timeout_s, turn=self._turns
        )

    def predict_many(
        self,
        images: Iterable[NDArray[np.uint8]],
        *,
        min_score: float = 0.0,
        compact: bool = False,
        timeout_s: float | None = None,
    ) -> Iterator[Answer]:
        """Finds the objects in any number of images; the answers come in the images' order.

        Images are taken as they are needed, and few are held at a time. The first error ends it.
        """

        def look(image: NDArray[np.uint8]) -> Answer:
            return self.look(image, min_score=min_score, compact=compact, timeout_s=timeout_s, turn=self._turns)

        with in_order(look, images, threads=self._threads) as answers:
            yield from answers

    def predict_files(
        self,
        paths: Path | Iterable[Path],
        *,
        min_score: float = 0.0,
        compact: bool = False,
        timeout_s: float | None = None,
    ) -> Iterator[FileAnswer]:
        """The same for picture files, in their order; of a folder, those in it, by their names.

        A file that is no picture is told in its place and ends nothing; a server that fails does.

        Raises:
            DatasetError: The folder does not exist or holds no pictures.
        """

        def look(path: Path) -> FileAnswer:
            try:
                image = decode_image(path.read_bytes(), name=str(path))
            except DatasetError as problem:
                return FileAnswer(path, None, problem)
            except OSError as error:
                return FileAnswer(path, None, DatasetError(f"It cannot be read ({error.strerror}).", where=str(path)))
            found = self.look(image, min_score=min_score, compact=compact, timeout_s=timeout_s, turn=self._turns)
            return FileAnswer(path, found, None)

        files = picture_files(paths) if isinstance(paths, Path) else paths
        with in_order(look, files, threads=self._threads) as answers:
            yield from answers

    def look(
        self,
        image: NDArray[np.uint8],
        *,
        min_score: float = 0.0,
        compact: bool = False,
        timeout_s: float | None = None,
        turn: AbstractContextManager[object] | None = None,
    ) -> Answer:
        """As `predict`; `turn` is held while the request is at the server, and not while the image or masks change."""
        _require_picture(image)
        size = (image.shape[0], image.shape[1])
        outputs = COMPACT_REPLY if compact else FULL_REPLY
        for _ in range(_MOST_CHANGES):
            described = self._described()
            batch = described.resize(image)
            with turn or nullcontext():
                reply = self.infer(batch, outputs, timeout_s=timeout_s)
            answering = self._who(reply["fingerprint"][0].tobytes())
            # Where the other model wants to see the image at another size, it is shown at that size.
            if answering is not None and answering.size_for(*size) == described.size_for(*size):
                found = answering.decode(reply, (batch.shape[2], batch.shape[3]), size, min_score)
                return Answer(found.scores, found.classes, found.masks, model=answering)
        raise StackError(
            f"Model '{self._model}' answers under a name that its description does not have.",
            where=self._connection.url,
            fix="Wait until the rollout is over; if it goes on, deploy the model again.",
        )

    def close(self) -> None:
        """Ends what still runs, too."""
        if self._memory is not None:
            self._memory.close()
        self._connection.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _described(self) -> Description:
        described = self._latest or self._read_description()
        described.require_whole(f"model '{self._model}' at {self._connection.url}")
        return described

    def _who(self, fingerprint: bytes) -> Description | None:
        """The model that answered; None where it has gone before its description was read."""
        if fingerprint not in self._known:
            self._read_description()
        answering = self._known.get(fingerprint)
        if answering is not None:
            self._latest = answering
        return answering

    def _read_description(self) -> Description:
        self._require_served()
        metadata = metadata_of(self._connection.model_config(self._model, self._version))
        if not metadata:
            raise EvaluationError(
                "The served model does not describe itself.",
                where=f"{self._connection.url}, parameter '{METADATA_KEY}' of model '{self._model}'",
                fix="Deploy a model that `sparseinst export` wrote.",
            )
        described = Description(metadata)
        self._known[described.fingerprint] = described
        self._latest = described
        return described

    def _require_served(self) -> None:
        if self._connection.is_ready(self._model, self._version):
            return
        try:
            served = [entry for entry in self._connection.models() if entry.state == "READY"]
        except Restricted:  # a client of one model need not know of others
            served = None
        name = f"'{self._model}'" + (f" version {self._version}" if self._version else "")
        raise ConfigError(
            f"Triton does not serve {name}.",
            where=self._connection.url,
            details=[f"it serves '{entry.name}' version {entry.version}" for entry in served or ()],
            fix="Deploy a model first: `sparseinst deploy`." if served == [] else "Name a model that it serves.",
        )


def _require_picture(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ConfigError(
            f"An image is uint8 [H, W, 3], not {image.dtype} {list(image.shape)}.",
            where="predict",
            fix="Give RGB pixels with the channels last; for a file: sparseinst.imaging.read.read_image.",
        )
    if image.shape[0] * image.shape[1] > _LARGEST_PICTURE_PIXELS:
        raise ConfigError(
            f"The image has {image.shape[1]} x {image.shape[0]} pixels; masks of its size would take all memory.",
            where="predict",
            fix=f"Cut it in parts of at most {_LARGEST_PICTURE_PIXELS} pixels, or make it smaller.",
        )
