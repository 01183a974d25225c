"""How much counters grew within the last hour, or however long one looks back, over any number of servers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from sparseinst.serving.drift.exposition import Series

Counts = Mapping[Series, float]


class Window:
    """A sliding window over the growth of counters.

    Counters begin at 0 again where a server or a model was started again: a model's counters on one server start
    together, so that one that is smaller or gone means all of them. The growth between the last look and that start
    is not known and not counted, as with Prometheus's `increase`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, Counts] = {}
        self._growth: deque[tuple[float, dict[Series, float]]] = deque()

    def add(self, server: str, counts: Counts, now: float) -> None:
        """Takes in what a server's counters stand at. The first time, that is only where counting begins.

        Args:
            server: Its name; each has counters of its own.
            counts: The counters' values.
            now: Seconds of a clock that never goes back; not less than the last time.
        """
        before = self._last.get(server)
        self._last[server] = dict(counts)
        if before is not None:
            restarted = {_model(series) for series, value in before.items() if counts.get(series, 0) < value}
            grown = {
                series: value - (0 if _model(series) in restarted else before.get(series, 0))
                for series, value in counts.items()
            }
            self._growth.append((now, {series: value for series, value in grown.items() if value > 0}))
        while self._growth and self._growth[0][0] <= now - self._seconds:
            self._growth.popleft()

    def growth(self) -> Counts:
        """What all servers counted within the window."""
        return added(grown for _, grown in self._growth)


def added(parts: Iterable[Counts]) -> Counts:
    """The sum of each counter over all parts."""
    total: dict[Series, float] = {}
    for part in parts:
        for series, value in part.items():
            total[series] = total.get(series, 0) + value
    return total


def _model(series: Series) -> tuple[str, str]:
    return series.label("model"), series.label("fingerprint")
