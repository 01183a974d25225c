"""Growth of counters over a sliding window."""

from __future__ import annotations

from sparseinst.serving.drift.exposition import Series
from sparseinst.serving.drift.window import Window


def one(value: float, model: str = "m", place: int = 0) -> dict[Series, float]:
    return {Series("n", (("bin", str(place)), ("model", model))): value}


def total(window: Window) -> float:
    return sum(window.growth().values())


def test_what_was_counted_before_the_first_look_is_not_known():
    window = Window(60)
    window.add("a", one(1000), 0)
    assert total(window) == 0
    window.add("a", one(1007), 15)
    assert total(window) == 7


def test_a_counter_that_appears_later_began_at_zero():
    window = Window(60)
    window.add("a", {}, 0)
    window.add("a", one(5), 15)
    assert total(window) == 5


def test_growth_leaves_the_window_as_time_goes_on():
    window = Window(60)
    for second, value in ((0, 0), (30, 10), (60, 30), (89, 30), (90, 70), (120, 70)):
        window.add("a", one(value), second)
    assert total(window) == 40  # the 20 of second 60 have just left
    window.add("a", one(70), 1000)
    assert total(window) == 0


def test_after_a_restart_counting_goes_on_from_zero():
    window = Window(600)
    window.add("a", one(100), 0)
    window.add("a", one(110), 15)
    window.add("a", one(4), 30)
    window.add("a", {}, 45)
    window.add("a", one(6), 60)
    assert total(window) == 10 + 4 + 6


def test_a_counter_that_already_passed_its_old_value_tells_the_restart_by_its_neighbours():
    window = Window(600)
    window.add("a", one(3) | one(50, place=1) | one(7, "other"), 0)
    window.add("a", one(9) | one(20, place=1) | one(8, "other"), 15)
    assert total(window) == 9 + 20 + 1


def test_each_server_has_its_own_counters():
    window = Window(600)
    window.add("a", one(100), 0)
    window.add("b", one(5), 0)
    window.add("a", one(101), 15)
    window.add("b", one(7), 15)
    window.add("b", one(1), 30)  # only b was started again
    window.add("a", one(102), 30)
    assert total(window) == 1 + 2 + 1 + 1
