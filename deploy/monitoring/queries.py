"""Every question that is put to Prometheus: of the rules and of the dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from deploy.monitoring.catalogue import HERE

DASHBOARD = HERE / "dashboards" / "sparseinst.yaml"

_IN_ALERT = re.compile(r"\$labels\.(\w+)")
_IN_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Query:
    """One question.

    Attributes:
        where: Where it is written, for people.
        text: PromQL; in a dashboard with Grafana's variables.
        record: The series that its answer is stored as; empty if it is not.
        labels: Those that the answer gets besides.
        mentions: Those that a text about the answer takes from it.
        is_rare: Whether it is answered only where something has just happened.
    """

    where: str
    text: str
    record: str = ""
    labels: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()
    is_rare: bool = False


def rule_groups() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The name of each PrometheusRule's file, and its groups as Prometheus itself reads them."""
    for name in yaml.safe_load((HERE / "rules" / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        yield name, yaml.safe_load((HERE / "rules" / name).read_text(encoding="utf-8"))["spec"]["groups"]


def alerts() -> list[dict[str, Any]]:
    """Every alert as it is written."""
    return [rule for _, groups in rule_groups() for group in groups for rule in group["rules"] if "alert" in rule]


def rule_queries() -> Iterator[Query]:
    """Those of the rules, in their order."""
    for name, groups in rule_groups():
        for rule in (rule for group in groups for rule in group["rules"]):
            record = rule.get("record", "")
            yield Query(
                f"rules/{name}, {record or rule['alert']}",
                rule["expr"].strip(),
                record,
                labels=frozenset(rule.get("labels", {})),
                mentions=frozenset(_IN_ALERT.findall(" ".join(rule.get("annotations", {}).values()))),
            )


def dashboard_queries(written: Mapping[str, Any]) -> Iterator[Query]:
    """Those of a dashboard as people write it, row by row; its variables and annotations first."""
    for variable in written["variables"]:
        asked = variable["query"].removeprefix("label_values(").rpartition(",")[0]
        yield Query(f"dashboard, variable {variable['name']}", asked)
    for annotation in written["annotations"]:
        where = f"dashboard, annotation {annotation['name']}"
        mentions = frozenset(_IN_LEGEND.findall(annotation["text"]))
        yield Query(where, annotation["expr"], mentions=mentions, is_rare=True)
    for row in written["rows"]:
        for panel in row["panels"]:
            for query in panel["queries"]:
                where = f"dashboard, {row['title']} / {panel['title']}"
                mentions = frozenset(_IN_LEGEND.findall(query.get("legend", "")))
                yield Query(where, query["expr"], mentions=mentions)


def filled_in(text: str, **variables: str) -> str:
    """A dashboard's query with its variables' values, as Grafana sends it.

    Args:
        variables: `namespace` and `model`; `$__rate_interval` is a minute, what Grafana makes of scrapes every 15 s.
    """
    for name, value in {"__rate_interval": "1m", **variables}.items():
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return text


def read_dashboard() -> dict[str, Any]:
    """The dashboard as people write it."""
    written: dict[str, Any] = yaml.safe_load(DASHBOARD.read_text(encoding="utf-8"))
    return written
