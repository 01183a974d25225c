import threading
from itertools import count

import pytest

from sparseinst.parallel import in_order

WAIT_S = 60


def test_results_come_in_order_although_the_work_ends_in_another():
    last = threading.Event()

    def work(item):
        if item == 3:
            last.set()
        if item == 0:
            assert last.wait(WAIT_S)  # the first one ends after the last one began
        return item * 10

    with in_order(work, range(4), threads=4) as results:
        assert list(results) == [0, 10, 20, 30]


def test_nothing_to_do_is_no_error():
    with in_order(str, [], threads=2) as results:
        assert list(results) == []


def test_items_are_taken_only_as_results_are():
    taken = []

    def items():
        for item in count():
            taken.append(item)
            yield item

    with in_order(str, items(), threads=3) as results:
        assert [next(results) for _ in range(4)] == ["0", "1", "2", "3"]
    assert len(taken) <= 4 + 6


def test_an_error_is_raised_in_its_place_and_what_waits_is_not_begun():
    begun = []

    def work(item):
        begun.append(item)
        return 1 / (item - 2)

    results = []
    with pytest.raises(ZeroDivisionError), in_order(work, range(1000), threads=1) as done:
        results.extend(done)
    assert results == [-0.5, -1.0] and len(begun) < 1000


def test_a_block_that_ends_early_stops_what_still_runs():
    stopped = threading.Event()

    def work(item):
        assert item == 0 or stopped.wait(WAIT_S)
        return item

    with in_order(work, range(3), threads=3, stop=stopped.set) as results:
        assert next(results) == 0
    assert stopped.is_set()


def test_a_block_that_ends_with_its_work_stops_nothing():
    with in_order(str, range(3), threads=2, stop=lambda: pytest.fail("all was done")) as results:
        assert len(list(results)) == 3


def test_an_interrupt_while_waiting_stops_what_is_waited_for():
    stopped = threading.Event()

    def work(item):
        assert stopped.wait(WAIT_S)

    class Interrupted(Exception):
        pass

    def items():
        yield 0
        raise Interrupted

    with pytest.raises(Interrupted), in_order(work, items(), threads=1, stop=stopped.set) as results:
        list(results)
    assert stopped.is_set()
