"""Each line of a log once, wherever connections break and however a node writes its times."""

import hypothesis.strategies as st
from hypothesis import given

from sparseinst.cluster.each_line_once import EachLineOnce


def written(nanoseconds):
    """As Kubernetes does: RFC 3339 to the nanosecond, without trailing zeros."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"2026-11-25T18:{seconds // 60:02d}:{seconds % 60:02d}{fraction}Z"


@given(
    steps=st.lists(st.sampled_from([0, 1, 120, 5 * 10**8, 10**9, 3 * 10**9]), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=6),
)
def test_no_line_is_lost_and_none_comes_twice_wherever_the_connection_breaks(steps, cuts):
    at, log = 0, []
    for number, step in enumerate(steps):
        at += step
        log.append((written(at), f"line {number}"))
    once, given_lines = EachLineOnce(), []
    for end in [*sorted(cuts), len(log)]:
        since = once.reconnect()
        for stamp, text in log[:end]:
            if since is None or stamp[:19] >= since[:19]:  # the server looks at whole seconds
                line = once.take(f"{stamp} {text}")
                given_lines += [line] if line is not None else []
    assert given_lines == [text for _, text in log]


def test_the_first_request_asks_for_the_whole_log():
    assert EachLineOnce().reconnect() is None


def test_a_request_begins_at_the_second_of_the_last_line_in_utc():
    once = EachLineOnce()
    once.take("2026-11-25T20:00:07.987654321+02:00 hello")
    assert once.reconnect() == "2026-11-25T18:00:07Z"


def test_times_without_their_trailing_zeros_are_in_order():
    once = EachLineOnce()
    assert once.take("2026-11-25T18:00:00.12Z a") == "a"
    assert once.take("2026-11-25T18:00:00.123Z b") == "b"
    assert once.take("2026-11-25T18:00:01Z c") == "c"


def test_a_line_without_a_time_is_given_as_it_is():
    once = EachLineOnce()
    assert once.take("rpc error: code = Unknown") == "rpc error: code = Unknown"
    assert once.take("") == ""


def test_spaces_of_a_line_are_its_own():
    assert EachLineOnce().take("2026-11-25T18:00:00Z   indented") == "  indented"
    assert EachLineOnce().take("2026-11-25T18:00:00Z ") == ""
