"""Clients that ask all the time, some the model and some its front door, and remember what they were told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import SparseInstError
from sparseinst.export.contract import FRONT, INPUT, fingerprint
from sparseinst.export.front_door import ANSWER, PICTURE
from sparseinst.export.repository import DEFAULT, labels, triton_config
from sparseinst.imaging.write import encode_image
from sparseinst.serving.connection import Connection
from tests.serving import tiny
from tests.serving.rollout.light import Light

RAW, PICTURES = 6, 2  # clients of each kind
_PAUSE_S = 0.1  # of each: together they ask about 60 times a second, and leave the machine to the servers
_SERVICE = replace(DEFAULT, instances=1, waiting=0)  # quick to load; a bound with one instance makes Triton slow

_SIDE = tiny.METADATA["short_side"]
IMAGES = 128 + tiny.random_images(1, _SIDE, _SIDE, seed=9) // 2  # bright: some of the bad models mind
_PNG = np.frombuffer(encode_image(np.ascontiguousarray(IMAGES[0].transpose(1, 2, 0)), ".png"), np.uint8)


@dataclass(frozen=True)
class Version:
    """One model, and by what its answers are known: fingerprint, best score, and the categories' ids and names."""

    gain: float
    metadata: Mapping[str, Any] = field(hash=False, compare=False)

    @classmethod
    def of(cls, number: int) -> Version:
        """With scores, category ids and a fingerprint of its own."""
        categories = [{"id": 2 * number, "name": "bright"}, {"id": 2 * number + 1, "name": "dark"}]
        return cls(number / 50, tiny.METADATA | {"categories": categories, "checkpoint_sha256": f"{number:064x}"})

    def model(self, **changes: Any) -> Light:
        return Light(**{"gain": self.gain, "fingerprint": fingerprint(self.metadata).hex()} | changes)

    @property
    def told(self) -> tuple[Any, ...]:
        scores = self.model().answer(IMAGES)["scores"]
        names = tuple(sorted((entry["id"], entry["name"]) for entry in self.metadata["categories"]))
        return fingerprint(self.metadata).hex(), round(float(scores[0].max()), 4), names


@dataclass
class Seen:
    """What came of the requests that began while the block ran: answers by kind of client, and failures."""

    raw: set[tuple[Any, ...]] = field(default_factory=set)
    pictures: set[tuple[Any, ...]] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    requests: int = 0
    since: float = field(default_factory=time.monotonic)

    def is_only_of(self, *versions: Version) -> bool:
        """Every answer was right, and by one of these versions; both kinds of clients had some."""
        told = {version.told for version in versions}
        assert self.failures == []
        assert self.raw
        assert self.raw <= {(mark, score) for mark, score, _ in told}
        assert self.pictures <= told
        return True


class Load:
    """Asks until it is closed."""

    def __init__(
        self, url: str, name: str, *, raw: int = RAW, pictures: int = PICTURES, picture_pause_s: float = _PAUSE_S
    ) -> None:
        self._url, self._name = url, name
        self._lock = threading.Lock()
        self._watching: list[Seen] = []
        self._done = threading.Event()
        self._pool = ThreadPoolExecutor(raw + pictures)
        asks = [(self._ask_model, _PAUSE_S)] * raw + [(self._ask_front_door, picture_pause_s)] * pictures
        self._clients = [self._pool.submit(self._client, *ask) for ask in asks]

    @contextmanager
    def watched(self) -> Iterator[Seen]:
        """What is seen from now to the end of the block, with some requests of all clients before and after."""
        seen = Seen()
        with self._lock:
            self._watching.append(seen)
        self._wait_a_round(seen)
        try:
            yield seen
            self._wait_a_round(seen)
        finally:
            with self._lock:
                self._watching.remove(seen)

    def close(self) -> None:
        self._done.set()
        self._pool.shutdown()
        for client in self._clients:
            client.result()

    def _wait_a_round(self, seen: Seen) -> None:
        enough, deadline = seen.requests + 3 * len(self._clients), time.monotonic() + 30
        while seen.requests < enough and time.monotonic() < deadline:
            time.sleep(0.01)

    def _client(self, ask: Any, pause_s: float) -> None:
        with Connection(self._url, timeout_s=30) as connection:
            while not self._done.is_set():
                begin = time.monotonic()
                try:
                    answer, failure = ask(connection), ""
                except SparseInstError as error:
                    answer, failure = None, str(error)
                self._tell(begin, ask == self._ask_model, answer, failure)
                time.sleep(pause_s)

    def _tell(self, begin: float, is_raw: bool, answer: Any, failure: str) -> None:
        with self._lock:
            for seen in self._watching:
                if begin < seen.since:
                    continue
                seen.requests += 1
                if failure:
                    seen.failures.append(failure)
                else:
                    (seen.raw if is_raw else seen.pictures).add(answer)

    def _ask_model(self, connection: Connection) -> tuple[Any, ...]:
        reply = connection.infer(self._name, "", {INPUT.name: IMAGES}, ["scores", "fingerprint"])
        return _mark(reply), round(float(reply["scores"].max()), 4)

    def _ask_front_door(self, connection: Connection) -> tuple[Any, ...]:
        return ask_front_door(connection, self._name)


def ask_front_door(connection: Connection, name: str) -> tuple[Any, ...]:
    """What the front door of the model tells: see `Version.told`."""
    reply = connection.infer(name + FRONT, "", {PICTURE.name: _PNG}, [ANSWER.name])
    answer = json.loads(reply[ANSWER.name].tobytes())
    names = tuple(sorted((entry["id"], entry["name"]) for entry in answer["categories"]))
    assert {entry["category_id"] for entry in answer["annotations"]} <= {entry["id"] for entry in answer["categories"]}
    return answer["model"]["fingerprint"], round(answer["annotations"][0]["score"], 4), names


def _mark(reply: Mapping[str, NDArray[Any]]) -> str:
    return str(reply["fingerprint"][0].tobytes().hex())


def write_export(folder: Path, name: str, version: Version, served: Light | None = None) -> Path:
    """An export of the version as `sparseinst export` lays it out; `served` stands in its place, if it is given."""
    model = version.model()
    (served or model).write(folder / name / "1" / "model.pt")
    (folder / name / "labels.txt").write_text(labels(version.metadata))
    (folder / name / "config.pbtxt").write_text(triton_config(name, version.metadata, service=_SERVICE))
    arrays = {}
    for index, (height, width) in enumerate(tiny.GOLDEN_SIZES):
        image = tiny.random_images(1, height, width, seed=index)
        arrays[f"image_{index}"] = image[0]
        arrays |= {f"{output}_{index}": array[0] for output, array in model.answer(image).items()}
    np.savez_compressed(folder / "golden.npz", **arrays)
    return tiny.seal(folder)
