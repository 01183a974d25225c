"""The candidate against the incumbent, drawn."""

from __future__ import annotations

from sparseinst.evaluation.report.page import evaluation_page
from sparseinst.evaluation.report.versus import how_compared, panels
from tests.evaluation.report.example import NAMES, comparison, metrics


def test_intervals_lie_on_the_axis_where_they_belong() -> None:
    overall = panels(comparison())[0]
    assert overall.limit >= 0.021
    assert overall.place(0.0) == 50
    assert overall.place(overall.limit) == 100
    assert overall.place(-2 * overall.limit) == 0
    assert [row.direction for row in overall.rows] == ["good", ""]  # AP50's interval has 0 in it


def test_classes_with_few_objects_are_left_out_and_the_rest_is_ordered_by_what_it_gained() -> None:
    (classes,) = [panel for panel in panels(comparison()) if panel.title.startswith("Classes")]
    assert NAMES[0] not in [row.name for row in classes.rows]
    values = [row.value for row in classes.rows]
    assert values == sorted(values, reverse=True)


def test_of_many_classes_those_that_gained_and_lost_most_are_drawn() -> None:
    names = [f"class {place}" for place in range(500)]
    (classes,) = [panel for panel in panels(comparison(names)) if panel.title.startswith("Classes")]
    assert len(classes.rows) == 12
    assert [row.value > 0 for row in classes.rows] == [True] * 6 + [False] * 6
    assert "as about 13 classes would by chance alone" in how_compared(comparison(names))


def test_the_page_has_it_only_where_there_is_one() -> None:
    page = evaluation_page(metrics(), {}, comparison())
    assert 'id="comparison"' in page
    assert "+0.012 to the incumbent" in page
    assert "from 1\u202f000 paired resamples of the images" in page
    assert 'id="comparison"' not in evaluation_page(metrics(), {})
    assert panels({}) == []


def test_without_an_interval_the_difference_is_drawn_alone() -> None:
    alone = {"candidate": 0.3, "incumbent": 0.3, "difference": 0.0}
    (panel,) = panels({"AP": alone})
    assert panel.rows[0].direction == ""
    page = evaluation_page(metrics(), {}, {"AP": alone})
    assert 'class="swing' in page
    assert 'class="whisker' not in page
