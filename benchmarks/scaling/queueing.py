"""How long requests wait at a server with several executors: textbook formulas, for requests that come at random times.

Source:
    Erlang's C formula (M/M/c); Allen and Cunneen's approximation for other spreads of the computing times: the wait of
    M/M/c times (1 + cv²) / 2, where cv is their standard deviation over their mean. 0: all alike (M/D/c); 1: M/M/c.
"""

from __future__ import annotations

_CLOSE_ENOUGH = 1e-6


def erlang_c(executors: int, busy: float) -> float:
    """The probability that a request has to wait.

    Args:
        executors: How many requests are computed at the same time.
        busy: The share of their time that they compute, 0 to below 1.
    """
    load = executors * busy
    blocked = 1.0
    for number in range(1, executors + 1):  # Erlang's B, the stable way
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - busy * (1 - blocked))


def mean_wait(executors: int, busy: float, spread: float) -> float:
    """The average wait of all requests, as a multiple of the time that one is computed.

    Args:
        executors: As above.
        busy: As above.
        spread: cv² of the computing times: 0 where they are all alike.
    """
    return (1 + spread) / 2 * erlang_c(executors, busy) / (executors * (1 - busy))


def busy_at(executors: int, wait: float, spread: float) -> float:
    """How busy the executors may be so that the average wait, a multiple of the computing time, is not exceeded."""
    low, high = 0.0, 1.0
    while high - low > _CLOSE_ENOUGH:
        middle = (low + high) / 2
        low, high = (middle, high) if mean_wait(executors, middle, spread) <= wait else (low, middle)
    return low
