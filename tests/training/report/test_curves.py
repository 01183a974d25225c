from __future__ import annotations

import pytest

from sparseinst.pages.svg import even_ticks
from sparseinst.training.report.curves import Curve, Plot, ceiling, draw, figure, table
from sparseinst.training.report.marks import legend_of, marks_of
from sparseinst.training.report.records import Event


def _curve(values: list[float], name: str = "loss") -> Curve:
    return Curve(name, [(float(n), value) for n, value in enumerate(values)])


def _drawn(*curves: Curve, end: int = 100) -> str:
    return draw(Plot("Loss", curves, end, [], figure, figure))


def test_a_spike_is_cut_off_and_counted_where_it_would_flatten_all_the_rest() -> None:
    top, above = ceiling([_curve([1.0, 2.0] * 100 + [900.0])])
    assert (top, above) == (3.0, 1)
    assert ">900<" not in _drawn(_curve([1.0, 2.0] * 100 + [900.0]))


def test_a_loss_that_falls_from_four_times_its_end_is_shown_whole() -> None:
    assert ceiling([_curve([8.0] + [2.0] * 200)]) == (8.0, 0)
    assert ceiling([_curve([900.0, 1.0])]) == (900.0, 0)


@pytest.mark.parametrize("values", [[0.0], [0.0] * 60, [5e-8], [-3.0, 4.0], [1e90, 1.0], [-1e90], [7.0]])
def test_every_curve_can_be_drawn(values: list[float]) -> None:
    drawing = _drawn(_curve(values), end=0)
    assert "nan" not in drawing
    assert "inf" not in drawing
    assert drawing.startswith("<svg")


@pytest.mark.parametrize(("most", "low"), [(8.1, 0), (5e-5, 0), (0.3, 0), (270_000, 0), (4, -3), (1e90, 0), (0.15, 0)])
def test_ticks_are_few_and_hold_all_values(most: float, low: float) -> None:
    ticks = even_ticks(most, low)
    assert 2 <= len(ticks) <= 8
    assert ticks[0] <= low
    assert ticks[-1] >= most * (1 - 1e-9)


def test_small_numbers_are_short() -> None:
    assert [figure(value) for value in (5e-5, 0.12345, 12.0, 123456.0)] == ["5e-5", "0.1235", "12", "123\u202f456"]


def test_the_table_has_the_first_and_the_last_iteration_and_few_between() -> None:
    rows = table([_curve([float(n) for n in range(1000)])], figure)["rows"]
    assert len(rows) == 24
    assert (rows[0], rows[-1]) == (["0", "0"], ["999", "999"])


def test_what_a_curve_lacks_is_empty_in_the_table() -> None:
    found = table([_curve([1.0, 2.0], "AP"), Curve("APs", [(1.0, 3.0)])], figure)
    assert found == {"head": ["iteration", "AP", "APs"], "rows": [["0", "1", ""], ["1", "2", "3"]]}


def test_events_that_are_close_together_are_one_mark() -> None:
    events = [Event(n, "non_finite", "", "") for n in (500, 501, 502, 900)] + [Event(500, "resumed", "", "")]
    marks = marks_of([*events, Event(5, "bad_image", "", "")], 1000)
    assert [mark.tip for mark in marks] == [
        "resume, iteration 500",
        "3 skipped steps, iteration 500 to 502",
        "skipped step, iteration 900",
    ]
    assert legend_of(marks) == [("warning", "skipped step"), ("note", "resume")]


def test_any_number_of_events_makes_a_hundred_marks_at_most_of_a_kind() -> None:
    marks = marks_of([Event(n, "non_finite", "", "") for n in range(5000)], 5000)
    assert len(marks) <= 101
    assert sum(mark.count for mark in marks) == 5000
