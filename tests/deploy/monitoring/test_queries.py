"""Rules, dashboard and documents ask only for what somebody exports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.monitoring.catalogue import read_catalogue
from deploy.monitoring.promql import findings
from deploy.monitoring.queries import Query, dashboard_queries, filled_in, read_dashboard, rule_queries
from sparseinst.serving.front_door.tally import Tally
from tests.conftest import ROOT

DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
_NAMES = re.compile(r"\b(?:nv_[a-z_]+[a-z]|sparseinst_drift\w*|sparseinst_\w+_total|kube_[a-z_]+[a-z])\b")


def test_rules_and_dashboard_name_only_what_is_exported():
    queries = [*rule_queries(), *dashboard_queries(read_dashboard())]
    assert findings(queries, read_catalogue()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate(nv_inference_request_sucess[5m])", "nobody exports nv_inference_request_sucess; did you mean nv_"),
        ("sum(rate(nv_inference_count[5m])) / sum(no_such_thing_at_all)", "nobody exports no_such_thing_at_all"),
        ("avg_over_time(sum(nobody_has_this)[1h:1m])", "nobody exports nobody_has_this"),
        ('nv_gpu_utilization{gpu="0"}', "nv_gpu_utilization has no label gpu"),
        ("sum by (gpu) (nv_gpu_utilization)", "grouped by gpu"),
        ("sum by (model) (sum by (pod) (nv_inference_count))", "grouped by model"),
        ("up * on (model) up", "matched on model"),
        ("rate(nv_inference_pending_request_count[5m])", "no counter"),
        ("increase(sparseinst_drift_pictures[1h:1m])", "no counter"),
        ("sum(rate(nv_inference_count[5m])", "no PromQL"),
    ],
)
def test_what_nobody_exports_is_found(text: str, said: str):
    (found,) = findings([Query("here", text)], read_catalogue())
    assert found.startswith("here: ")
    assert said in found


def test_what_a_text_says_of_an_answer_must_be_in_it():
    exported = read_catalogue()
    asked = Query("alert", "sum by (pod) (up)", mentions=frozenset({"pod", "model"}))
    assert findings([asked], exported) == ["alert: it has no label model"]
    added = Query("alert", 'label_replace(up, "model", "$1", "pod", "(.+)")', mentions=frozenset({"model"}))
    assert findings([added], exported) == []


def test_a_recorded_series_has_the_labels_that_it_was_recorded_with():
    rule = Query("rule", "sum by (pod) (up)", record="pod:up:sum", labels=frozenset({"door"}))
    assert findings([rule, Query("later", 'pod:up:sum{pod="a",door="front"}')], read_catalogue()) == []
    assert findings([rule, Query("later", 'pod:up:sum{job="a"}')], read_catalogue()) == [
        "later: pod:up:sum has no label job"
    ]
    (found,) = findings([Query("before", "pod:up:sum")], read_catalogue())
    assert "nobody exports pod:up:sum" in found


def test_a_dashboards_variables_are_filled_in_as_grafana_does():
    text = 'rate(nv_inference_count{namespace="$namespace",model="${model}_front"}[$__rate_interval])'
    assert filled_in(text, namespace="team", model="m") == (
        'rate(nv_inference_count{namespace="team",model="m_front"}[1m])'
    )


def test_the_catalogue_has_the_counters_of_the_front_door():
    made = []
    Tally("m", lambda name, description: made.append(name))
    assert set(made) == {metric.name for metric in read_catalogue().values() if metric.exporter == "front-door"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_documents_name_only_metrics_that_exist(document: Path):
    named = set(_NAMES.findall(document.read_text(encoding="utf-8")))
    assert named <= set(read_catalogue()), "write it into deploy/monitoring/metrics.yaml, or mend the document"
