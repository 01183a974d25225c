"""One look at live traffic, or one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sparseinst.errors import SparseInstError
from sparseinst.serving.drift.comparison import Distance, Ratio, distances, ratio
from sparseinst.serving.drift.histogram import Found
from sparseinst.serving.drift.reference import Reference
from sparseinst.serving.drift.scrape import no_front_door, scrape
from sparseinst.serving.drift.servers import endpoints
from sparseinst.serving.drift.source import Source
from sparseinst.serving.drift.traffic import live, others
from sparseinst.serving.drift.window import Counts, Window, added


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What was seen.

    Attributes:
        reference: The evaluation.
        found: The live traffic.
        distances: Of scores, classes and areas.
        ratio: Of the objects in a picture.
        seconds: How far back it goes; None for all since Triton was started.
        others: Fingerprints of models that answered too: they are no part of this.
    """

    reference: Reference
    found: Found
    distances: Sequence[Distance]
    ratio: Ratio
    seconds: float | None
    others: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "name": self.reference.name,
            "version": self.reference.version,
            "fingerprint": self.reference.fingerprint,
            "window_s": self.seconds,
            "live": _size(self.found),
            "evaluation": _size(self.reference.found),
            "drift": {
                entry.what: {name: value for name, value in asdict(entry).items() if name != "what"}
                for entry in self.distances
            },
            "objects_per_picture": asdict(self.ratio),
            "others": list(self.others),
        }


def look_once(source: Source, urls: Sequence[str]) -> Look:
    """Compares all that was counted since Triton was started.

    Raises:
        SparseInstError: A metrics endpoint does not answer, there is no front door, or no evaluation.
    """
    reference = source.reference()
    counts = added(scrape(server.url, host=server.host) for server in endpoints(urls))
    if not _counts_model(counts, source.name):
        raise no_front_door(source.name, urls)
    return _compare(reference, counts, None)


class Watch:
    """Looks again and again, over a sliding window."""

    def __init__(
        self, source: Source, urls: Sequence[str], window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source, self._urls = source, urls
        self._window, self._seconds, self._clock = Window(window_s), window_s, clock

    def look(self) -> tuple[Look | None, list[SparseInstError]]:
        """What the window shows now, and what went wrong. None where there is no evaluation to compare with.

        A metrics endpoint that does not answer counts nothing; the others go on.
        """
        problems: list[SparseInstError] = []
        counted = False
        for server in endpoints(self._urls):
            try:
                counts = scrape(server.url, host=server.host)
            except SparseInstError as error:
                problems.append(error)
            else:
                self._window.add(server.url, counts, self._clock())
                counted = counted or _counts_model(counts, self._source.name)
        if not counted and not problems:
            problems.append(no_front_door(self._source.name, self._urls))
        try:
            reference = self._source.reference()
        except SparseInstError as error:
            return None, [*problems, error]
        return _compare(reference, self._window.growth(), self._seconds), problems


def _compare(reference: Reference, counts: Counts, seconds: float | None) -> Look:
    found = live(counts, reference)
    return Look(
        reference, found, distances(found, reference), ratio(found, reference), seconds, others(counts, reference)
    )


def _counts_model(counts: Counts, name: str) -> bool:
    return any(series.label("model") == name for series in counts)


def _size(found: Found) -> dict[str, int]:
    return {"pictures": round(found.pictures), "objects": round(found.objects)}
