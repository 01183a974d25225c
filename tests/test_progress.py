import logging

import pytest

from sparseinst import progress as module
from sparseinst.progress import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def said(caplog):
    return [record.getMessage() for record in caplog.records]


def test_a_log_tells_how_far_how_fast_and_how_long_every_few_seconds(clock, caplog):
    caplog.set_level(logging.INFO)
    with progress("predict", "looking at pictures", 100) as advance:
        for _ in range(12):
            clock[0] += 0.5
            advance()
    assert said(caplog) == ["looking at pictures: 10 of 100, 2.0/s, 45 s left"]


def test_what_has_no_known_end_has_no_time_left(clock, caplog):
    caplog.set_level(logging.INFO)
    with progress("data", "indexing", None) as advance:
        clock[0] += 5
        advance(10)
    assert said(caplog) == ["indexing: 10, 2.0/s"]


def test_bytes_are_told_in_megabytes_and_a_standstill_as_such(clock, caplog):
    caplog.set_level(logging.INFO)
    with progress("storage", "fetching", 4_000_000, unit="bytes") as advance:
        clock[0] += 5
        advance(0)
        clock[0] += 5
        advance(1_000_000)
    assert said(caplog) == [
        "fetching: 0.0 of 4.0 MB, 0.0 MB/s, stalled",
        "fetching: 1.0 of 4.0 MB, 0.1 MB/s, 30 s left",
    ]


def test_a_terminal_gets_a_bar_with_rate_and_time_left(monkeypatch, capsys):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress("predict", "looking at pictures", 3) as advance:
        advance(2)
    err = capsys.readouterr().err
    assert "looking at pictures" in err and "2/3" in err
