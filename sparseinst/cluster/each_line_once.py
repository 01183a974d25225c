"""Lines of a log that is asked for again and again, each given once."""

from __future__ import annotations

from datetime import UTC, datetime

Stamp = tuple[int, int]  # seconds since 1970, nanoseconds


class EachLineOnce:
    """Drops what was given before a reconnect, by the time that Kubernetes writes before each line.

    A request can name a second to begin with (`sinceTime`), so the lines of that second come again. Two lines may bear
    the same time: those at the last time are counted.
    """

    def __init__(self) -> None:
        self._last: Stamp | None = None
        self._given_at_last = 0
        self._to_drop = 0

    def reconnect(self) -> str | None:
        """Call it before each request: gives its `sinceTime`, or None for the whole log."""
        self._to_drop = self._given_at_last
        if self._last is None:
            return None
        return datetime.fromtimestamp(self._last[0], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def take(self, line: str) -> str | None:
        """The line without its time, or None where it was given before. A line without a time is given as it is."""
        head, _, text = line.partition(" ")
        stamp = _stamp(head)
        if stamp is None:
            return line
        if self._last is not None and stamp < self._last:
            return None
        if stamp == self._last:
            if self._to_drop:
                self._to_drop -= 1
                return None
            self._given_at_last += 1
            return text
        self._last, self._given_at_last, self._to_drop = stamp, 1, 0
        return text


def _stamp(text: str) -> Stamp | None:
    """2026-11-25T18:00:00.123456789Z, to the nanosecond; trailing zeros may be missing, the zone may be another."""
    whole, dot, rest = text.partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        zone = rest[len(digits) :]
    else:
        digits, zone = "0", ""
    try:
        moment = datetime.fromisoformat(whole + zone)
    except ValueError:
        return None
    if moment.tzinfo is None or not digits:
        return None
    return int(moment.timestamp()), int(digits[:9].ljust(9, "0"))
