"""One display says how far many files are, in files and in bytes."""

from __future__ import annotations

import logging
import sys
import threading

import pytest

from sparseinst.storage.transfer import Stopped, transfer


def test_a_log_tells_files_bytes_speed_and_time_left(caplog, monkeypatch):
    monkeypatch.setattr("sparseinst.storage.transfer._SECONDS_BETWEEN_LINES", 0.0)
    caplog.set_level(logging.INFO, "sparseinst")
    with transfer("ingest", "fetching", files=3, total=3_000_000, done_files=1, done=1_000_000) as shown:
        shown.advance(500_000)
        shown.end_file()
    first, second = (line for line in caplog.messages if line.startswith("fetching"))
    assert first.startswith("fetching: 1 of 3 files, 1.5 of 3.0 MB, ") and first.endswith("s left")
    assert second.startswith("fetching: 2 of 3 files")


def test_a_terminal_shows_one_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with transfer("ingest", "fetching", files=3, total=100) as shown:
        shown.advance(50)
        shown.end_file()
    text = capsys.readouterr().err
    assert "fetching" in text and "files" in text


def test_downloads_add_their_sizes_and_a_second_attempt_is_not_counted_twice():
    with transfer("ingest", "downloading", files=2, total=0) as shown:
        one, other = shown.display(threading.Event()), shown.display(threading.Event())
        with one("a", 100, 0) as advance:
            advance(60)
        with one("a", 100, 40) as advance, other("b", None, 0) as advance_other:
            assert (shown.done, shown.total) == (40, 100)
            advance(60)
            advance_other(7)
        with other("b", 50, 7):
            assert (shown.done, shown.total) == (107, 150)


def test_what_is_stopped_ends_with_its_next_piece():
    stop = threading.Event()
    with transfer("ingest", "downloading", files=1, total=0) as shown, shown.display(stop)("a", 10, 0) as advance:
        advance(1)
        stop.set()
        with pytest.raises(Stopped):
            advance(1)
