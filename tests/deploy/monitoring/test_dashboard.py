"""The dashboard is laid out as Grafana wants it, and the committed JSON is what the data says."""

from __future__ import annotations

import json

import pytest

from deploy.monitoring.__main__ import OUTPUT
from deploy.monitoring.layout import dashboard
from deploy.monitoring.queries import read_dashboard

MADE = dashboard(read_dashboard())
PANELS = [panel for panel in MADE["panels"] if panel["type"] != "row"]
# Of Grafana's list of units, those that are used.
UNITS = {"short", "s", "reqps", "cps", "percentunit", "watt", "joule"}


def test_the_committed_file_is_what_the_data_says():
    assert json.loads(OUTPUT.read_text()) == MADE, "make dashboards"


def test_panels_lie_side_by_side_and_none_over_another():
    taken = set()
    for panel in MADE["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert {x for x, _ in taken} == set(range(24))
    assert len({panel["id"] for panel in MADE["panels"]}) == len(MADE["panels"])


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit_and_of_which_namespace(panel: dict):
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert [target["refId"] for target in panel["targets"]] == sorted({target["refId"] for target in panel["targets"]})
    for target in panel["targets"]:
        assert '="$namespace"' in target["expr"]
        assert target["datasource"]["uid"] == "${datasource}"
    if len(panel["targets"]) > 1:
        assert all(target["legendFormat"] != "__auto" for target in panel["targets"]), "which line is which?"


def test_limits_are_told_by_colour_and_what_is_bad_is_red():
    (ready,) = [panel for panel in PANELS if panel["title"] == "Replicas ready"]
    steps = ready["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "red"), (0.5, "orange"), (1, "green")]
    (slow,) = [panel for panel in PANELS if panel["title"] == "Slowest of 100"]
    steps = slow["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "green"), (0.4, "orange"), (0.5, "red")]


def test_the_rows_are_those_that_a_person_looks_for():
    rows = [panel["title"] for panel in MADE["panels"] if panel["type"] == "row"]
    assert rows == ["At a glance", "Traffic", "Time", "Failures", "Room", "GPU", "Rollout", "Drift", "Pipeline"]
    assert [variable["name"] for variable in MADE["templating"]["list"]] == ["datasource", "namespace", "model"]
