"""What all tests share."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout. The project stands without it; a test that wants it skips."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, the folder of real data beside this checkout")
    return folder


def pytest_configure() -> None:
    """A shell that starts the tests in the background lets them ignore Ctrl-C, and so all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--goldens", metavar="DIR", help="check every sparse_inst_*.npz in DIR instead of the light set")
