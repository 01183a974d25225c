"""An interrupt never falls between the start of a server and the note of its process id."""

from __future__ import annotations

import os
import signal

import pytest

from sparseinst.serving.stack.supervisor import uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_held_back_until_the_block_has_ended(number: signal.Signals):
    came: list[int] = []
    noted: list[str] = []
    before = signal.signal(number, lambda caught, _: came.append(caught))
    try:
        with uninterrupted():
            os.kill(os.getpid(), number)
            noted.append("the process id")
            assert came == []
        assert noted and came == [number]
        os.kill(os.getpid(), number)
        assert came == [number, number]  # the handler of before is back
    finally:
        signal.signal(number, before)


def test_an_interrupt_in_the_block_is_raised_at_its_end():
    noted: list[str] = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        noted.append("the process id")
    assert noted


def test_without_a_signal_nothing_happens_and_errors_pass():
    with pytest.raises(ValueError, match="mine"), uninterrupted():
        raise ValueError("mine")
