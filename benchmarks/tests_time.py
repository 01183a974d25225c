"""Where the tests' time goes: processor seconds of each file and each test, with all processes that they start.

    OMP_NUM_THREADS=1 python -m benchmarks.tests_time tests/serving
    OMP_NUM_THREADS=1 python -m benchmarks.tests_time --top 60 tests -- -m 'not gpu and not docker and not libtorch'

All in one process, in the order of tests/conftest.py. What a fixture costs is told of the test that was first to need
it; a process that was killed takes its seconds along, and its test is told less. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

_TICKS = os.sysconf("SC_CLK_TCK")


class Clock:
    """Notes what each test takes, as a plugin of pytest."""

    def __init__(self) -> None:
        self.processor: dict[str, float] = {}  # seconds, by the test's id
        self.wall: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        processor, wall = seconds_so_far(), time.monotonic()
        result = yield
        self.processor[item.nodeid] = seconds_so_far() - processor
        self.wall[item.nodeid] = time.monotonic() - wall
        return result

    def lines(self, top: int) -> Iterator[str]:
        yield f"{sum(self.processor.values()):.0f} processor seconds in {len(self.processor)} tests"
        tables = [("file", _by_file(self.processor), _by_file(self.wall)), ("test", self.processor, self.wall)]
        for what, processor, wall in tables:
            yield f"processor    wall  {what}"
            for name in sorted(processor, key=processor.__getitem__, reverse=True)[:top]:
                yield f"{processor[name]:9.1f} {wall[name]:7.1f}  {name}"


def _by_file(seconds: dict[str, float]) -> dict[str, float]:
    files: defaultdict[str, float] = defaultdict(float)
    for test, value in seconds.items():
        files[test.partition("::")[0]] += value
    return files


def seconds_so_far() -> float:
    """Of this process, of those that have ended below it, and of those that run below it."""
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system + _below(os.getpid())


def _below(process: int) -> float:
    total = 0.0
    for child in _children(process):
        with suppress(OSError):  # it has just ended
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / _TICKS + _below(child)  # with the children that it has waited for
    return total


def _children(process: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top", type=int, default=30, help="how many files and tests are told")
    parser.add_argument("paths", nargs="*", default=["tests"])
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[: own.index("--")], own[own.index("--") + 1 :]
    arguments, clock = parser.parse_args(own), Clock()
    code = pytest.main(["-q", *arguments.paths, *options], plugins=[clock])
    print("\n".join(clock.lines(arguments.top)))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
