"""Numbers of metrics.json as the page says them."""

from __future__ import annotations

from typing import Any

import pytest

from sparseinst.evaluation.report.values import length, listed, milliseconds, numbers, part, real, score, signed, text


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0123, "+0.012"), (-0.0123, "\N{MINUS SIGN}0.012"), (0.0, "0.000"), (-0.0001, "0.000"), (None, "–")],
)
def test_a_difference_has_its_sign_unless_it_is_rounded_to_nothing(value: float | None, said: str) -> None:
    assert signed(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(23.44, "23.4\u202fms"), (0.5, "0.5\u202fms"), (1561.03, "1.56\u202fs"), (None, "–")]
)
def test_a_latency_is_in_seconds_where_it_is_one(value: float | None, said: str) -> None:
    assert milliseconds(value) == said


@pytest.mark.parametrize("value", [None, True, "0.5", float("nan"), float("inf"), 10**400, [0.5]])
def test_what_is_no_number_is_none(value: Any) -> None:
    assert real({"AP": value}, "AP") is None
    assert numbers({"of": [value, 1]}, "of") == [None, 1.0]
    assert score(real({"AP": value}, "AP")) == "–"


def test_parts_that_are_absent_are_empty() -> None:
    assert part({}, "speed") == part({"speed": None}, "speed") == part({"speed": [1]}, "speed") == {}
    assert listed({"notes": [{"a": 1}, None, "x"]}, "notes") == [{"a": 1}]
    assert listed({"notes": "text"}, "notes") == []
    assert numbers({"x": "12"}, "x") == []
    assert text({"name": None}, "name") == text({}, "name") == ""


def test_a_bar_is_never_longer_than_its_track() -> None:
    assert [length(value) for value in (None, -1.0, 0.25, 3.0)] == [0.0, 0.0, 25.0, 100.0]
