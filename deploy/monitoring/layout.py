"""Lays a dashboard out as Grafana wants it: from what people write (dashboards/*.yaml) to Grafana's JSON.

Source:
    Grafana's dashboard model, grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model;
    the fields are those of schema version 39 (Grafana 11), which later versions bring up to date by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

_SCHEMA = 39
_WIDTH = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard(written: Mapping[str, Any]) -> dict[str, Any]:
    """Grafana's JSON of a dashboard. Without an id: Grafana knows it by its uid, wherever it is loaded."""
    return {
        "uid": written["uid"],
        "title": written["title"],
        "description": written["about"],
        "tags": written["tags"],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "graphTooltip": 1,  # one moment, in all panels
        "refresh": written["refresh"],
        "time": {"from": written["from"], "to": "now"},
        "timezone": "",
        "templating": {"list": list(_variables(written["variables"]))},
        "annotations": {"list": [_annotation(entry) for entry in written["annotations"]]},
        "panels": list(_panels(written["rows"])),
    }


def _variables(written: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}
    for variable in written:
        yield {
            "name": variable["name"],
            "label": variable["label"],
            "type": "query",
            "datasource": _SOURCE,
            "definition": variable["query"],
            "query": {"qryType": 1, "query": variable["query"], "refId": variable["name"]},
            "refresh": 2,  # whenever the time range changes
            "sort": 1,
        }


def _annotation(written: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": written["name"],
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": written["expr"],
        "step": "30s",
        "titleFormat": written["name"],
        "textFormat": written["text"],
    }


def _panels(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    ids, top = count(1), 0
    for row in rows:
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": top}
        yield {
            "id": next(ids),
            "type": "row",
            "title": row["title"],
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        left, top = 0, top + 1
        for panel in row["panels"]:
            width = panel.get("width", _WIDTH // len(row["panels"]))
            yield _panel(panel, next(ids), {"h": row["height"], "w": width, "x": left, "y": top})
            left += width
        top += row["height"]


def _panel(written: Mapping[str, Any], number: int, place: dict[str, int]) -> dict[str, Any]:
    kind = written.get("kind", "timeseries")
    empty = written.get("empty")
    return {
        "id": number,
        "type": kind,
        "title": written["title"],
        "description": written["about"] + (f" Nothing here: {empty}." if empty else ""),
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": query["expr"],
                "legendFormat": query.get("legend", "__auto"),
                "instant": kind == "stat",
                "range": kind != "stat",
            }
            for index, query in enumerate(written["queries"])
        ],
        "fieldConfig": {"defaults": _defaults(written, kind), "overrides": []},
        "options": _options(written, kind),
    }


def _defaults(written: Mapping[str, Any], kind: str) -> dict[str, Any]:
    limits = written.get("limits", [])
    first = "red" if written.get("ideal") == "high" else "green"
    steps = [{"color": first, "value": None}, *({"color": color, "value": value} for value, color in limits)]
    defaults: dict[str, Any] = {
        "unit": written.get("unit", "short"),
        "color": {"mode": "thresholds" if kind == "stat" else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if "most" in written:
        defaults["max"] = written["most"]
    if kind == "timeseries":
        defaults["min"] = 0
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if written.get("stack") else 5,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if written.get("stack") else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if limits else "off"},
        }
    return defaults


def _options(written: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind == "stat":
        several = any("legend" in query for query in written["queries"])
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background" if "limits" in written else "value",
            "graphMode": "none",
            "textMode": written.get("text", "value_and_name" if several else "value"),
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
