"""The way of a request: picture, options, the model that is asked, the answer, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.closing import Closing
from sparseinst.errors import ConfigError, DatasetError
from sparseinst.export.front_door import ANSWER, CANARY
from sparseinst.serving.front_door.afterwards import Afterwards
from sparseinst.serving.front_door.agreement import agreement
from sparseinst.serving.front_door.answer import coco_text, packed, text_tensor
from sparseinst.serving.front_door.asking import Asker, Infer, Reply
from sparseinst.serving.front_door.found import Found, find
from sparseinst.serving.front_door.options import Options
from sparseinst.serving.front_door.picture import read_picture
from sparseinst.serving.front_door.routing import Routing
from sparseinst.serving.front_door.tally import Arm, Families, Tally

Log = Callable[[str], None]

_MOST_COUNTS_WAITING = 100
_MOST_SHADOWS_WAITING = 1  # a slow candidate misses pictures, and holds nobody up


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    pixels: NDArray[np.uint8]
    options: Options
    start: float
    decode_s: float

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    arm: Arm
    reply: Reply
    found: Found
    timing_s: dict[str, float]


class Door(Closing):
    """Answers one request at a time. To be closed."""

    def __init__(self, routing: Routing, infer: Infer, families: Families, log: Log) -> None:
        """Args:
        routing: Which models may answer.
        infer: Asks one of them.
        families: Makes the metrics' families of counters.
        log: Takes what an operator should know, a line at a time.
        """
        self._log = log
        self._service = Asker(routing.service, infer)
        self._candidate = routing.candidate
        self._tally = Tally(routing.service.name, families)
        for model in routing.service.known:
            self._tally.prepare(Arm.SERVICE, model)
        self._counting = Afterwards(self._on_error, _MOST_COUNTS_WAITING)
        if routing.candidate is not None:
            self._trial = Asker(routing.candidate.addressed, infer)
            arm = Arm.SHADOW if routing.candidate.shadow else Arm.CANARY
            self._tally.prepare(arm, routing.candidate.addressed.known[0])
            self._shadowing = Afterwards(self._on_error, _MOST_SHADOWS_WAITING)

    def answer(self, content: bytes, parameters: str, wanted: set[str]) -> dict[str, NDArray[Any]]:
        """The outputs that are wanted, by name.

        Args:
            content: The picture's file.
            parameters: Those of the request, as a JSON object.
            wanted: Names of the front door's outputs.

        Raises:
            ConfigError: The options are wrong.
            DatasetError: The picture is.
            StackError: The model in service does not answer, or is not known.
        """
        start = perf_counter()
        try:
            options = Options.parse(parameters)
            pixels = read_picture(content)
        except (ConfigError, DatasetError):
            if content != CANARY:
                self._counting.add(self._tally.refused)
            raise
        picture = _Picture(pixels, options, start, perf_counter() - start)
        result = self._on_trial(picture) or self._in_service(picture)
        self._counting.add(lambda: self._count(picture, result))
        if self._candidate is not None and self._candidate.shadow and self._candidate.share.takes():
            self._shadowing.offer(lambda: self._in_shadow(picture, result))
        outputs = packed(result.found, result.reply, picture.size) if wanted != {ANSWER.name} else {}
        if ANSWER.name in wanted:
            text = coco_text(result.found, result.reply, picture.size, result.timing_s)
            outputs[ANSWER.name] = text_tensor(text.encode())
        return {name: array for name, array in outputs.items() if name in wanted}

    def close(self) -> None:
        """Counts what is still to be counted."""
        if self._candidate is not None:
            self._shadowing.close()
        self._counting.close()

    def _on_trial(self, picture: _Picture) -> _Result | None:
        """The candidate's answer, if it is its turn and it has one."""
        if self._candidate is None or self._candidate.shadow or not self._candidate.share.takes():
            return None
        try:
            return _result(Arm.CANARY, self._trial, picture)
        except Exception as error:  # noqa: BLE001, whatever is wrong with the candidate, the client gets an answer
            self._failed(Arm.CANARY, error)
            return None

    def _in_service(self, picture: _Picture) -> _Result:
        try:
            return _result(Arm.SERVICE, self._service, picture)
        except Exception as error:
            self._failed(Arm.SERVICE, error)
            raise

    def _in_shadow(self, picture: _Picture, service: _Result) -> None:
        try:
            shadow = _result(Arm.SHADOW, self._trial, picture)
        except Exception as error:  # noqa: BLE001, nobody waits for it
            self._failed(Arm.SHADOW, error)
            return
        agreed = agreement(service.found, service.reply.model, shadow.found, shadow.reply.model)
        self._counting.add(lambda: self._count(picture, shadow))
        self._counting.add(lambda: self._tally.compared(agreed, shadow.reply.model))

    def _count(self, picture: _Picture, result: _Result) -> None:
        self._tally.answered(result.arm, result.reply, result.found, picture.size, result.timing_s)

    def _failed(self, arm: Arm, error: Exception) -> None:
        self._log(f"{arm}: {error}")
        self._counting.add(lambda: self._tally.failed(arm))

    def _on_error(self, error: Exception) -> None:
        self._log(f"cannot count: {error!r}")


def _result(arm: Arm, asker: Asker, picture: _Picture) -> _Result:
    reply = asker.ask(picture.pixels)
    start = perf_counter()
    found = find(reply, picture.size, picture.options)
    end = perf_counter()
    timing_s = {
        "decode": picture.decode_s,
        "resize": reply.resize_s,
        "model": reply.model_s,
        "masks": end - start,
        "total": end - picture.start,
    }
    return _Result(arm, reply, found, timing_s)
