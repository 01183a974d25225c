"""A real Prometheus scrapes a real Triton under load: every rule and every panel gets its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from deploy.monitoring.catalogue import read_catalogue
from deploy.monitoring.promql import parse, selectors
from deploy.monitoring.queries import dashboard_queries, filled_in, read_dashboard, rule_queries
from sparseinst.errors import StackError
from sparseinst.serving.stack import triton
from tests.deploy.monitoring.prometheus import Prometheus, require, running
from tests.deploy.monitoring.serving import NAME, drift_exporter, exporter, load, served
from tests.serving.client.servers import OwnTriton

pytestmark = pytest.mark.stack

CLUSTER = (Path(__file__).parent / "cluster.prom").read_text()
NAMESPACE, POD = "team", "sparseinst-triton-0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnTriton]:
    try:
        triton.require_program()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")
    with served(tmp_path_factory.mktemp("served")) as server, load(server):
        yield server


@pytest.fixture(scope="module")
def prometheus(server: OwnTriton, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    require("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    with drift_exporter(server, folder) as drift, exporter(CLUSTER) as cluster:
        target = {"namespace": NAMESPACE, "pod": POD}
        jobs = {
            "sparseinst-triton": (f"127.0.0.1:{server.state.ports['metrics']}", target),
            "sparseinst-drift": (drift, {**target, "pod": "sparseinst-drift-0"}),
            "cluster": (cluster, {}),
        }
        with running(folder, jobs) as prometheus:
            wait_for(lambda: prometheus.ask('sparseinst_drift{distance="psi"}'), "drift, which needs 30 pictures")
            wait_for(lambda: prometheus.ask("door_model:sparseinst_failures:ratio5m"), "rates")
            wait_for(lambda: prometheus.ask('door_model:sparseinst_slow:bool{door="front"}'), "quantiles")
            yield prometheus


def wait_for(is_there: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 90
    while not is_there():
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.5)


def test_triton_exports_what_the_catalogue_says_and_nothing_that_it_does_not(server: OwnTriton):
    text = requests.get(f"http://127.0.0.1:{server.state.ports['metrics']}/metrics", timeout=10).text
    exported = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE ")}
    kinds = {"summary": "gauge"}  # its quantiles
    catalogue = {
        metric.name: metric.kind
        for metric in read_catalogue().values()
        if metric.exporter in ("triton", "front-door") and not metric.name.endswith(("_us_count", "_us_sum"))
    }
    assert {name: kinds.get(kind, kind) for name, kind in exported.items()} == catalogue


def test_every_series_of_the_servers_has_the_labels_of_the_catalogue(prometheus: Prometheus):
    catalogue = read_catalogue()
    for job, exporters in (
        ("sparseinst-triton", {"triton", "front-door", "triton-gpu"}),
        ("sparseinst-drift", {"drift"}),
    ):
        series = [one["metric"] for one in prometheus.ask(f'{{job="{job}",__name__!~"up|scrape_.+"}}')]
        for labels in series:
            assert set(labels) - {"__name__"} <= catalogue[labels["__name__"]].labels, labels
        names = {metric.name for metric in catalogue.values() if metric.exporter in exporters}
        assert {labels["__name__"] for labels in series} == names


def test_every_target_is_read(prometheus: Prometheus):
    assert {(target["health"], target["lastError"]) for target in prometheus.targets()} == {("up", "")}


def test_every_rule_is_evaluated_and_every_recorded_series_is_there(prometheus: Prometheus):
    rules = prometheus.rules()
    assert {
        (rule["name"], rule["health"], rule.get("lastError", "")) for rule in rules if rule["health"] != "ok"
    } == set()
    recorded = [query for query in rule_queries() if query.record]
    assert len(rules) == len(list(rule_queries()))
    for query in recorded:
        assert prometheus.ask(query.record), query.where


def test_every_part_of_every_rule_asks_for_something_that_is_there(prometheus: Prometheus):
    for query in rule_queries():
        for selector in selectors(parse(query.text)):
            assert prometheus.ask(f"{selector.name}{selector.matchers}"), (query.where, str(selector))


def test_every_panel_shows_something(prometheus: Prometheus):
    queries = [query for query in dashboard_queries(read_dashboard()) if not query.is_rare]
    silent = [
        query.where for query in queries if not prometheus.ask(filled_in(query.text, namespace=NAMESPACE, model=NAME))
    ]
    assert silent == []


def test_a_server_that_serves_raises_no_alert_about_serving(prometheus: Prometheus):
    slow_machine = {"SparseinstQueueGrows", "SparseinstLatencyBudgetBurnsFast", "SparseinstLatencyBudgetBurnsSteadily"}
    rules = [rule for rule in prometheus.rules() if rule.get("state") in ("firing", "pending")]
    told = [rule for rule in rules if rule["name"] not in slow_machine]
    assert [rule["name"] for rule in told] == ["SparseinstRunFailed"]  # cluster.prom has a run that failed
    (alert,) = told[0]["alerts"]
    assert alert["annotations"]["summary"] == "The run sparseinst-x7x9k failed"


def test_refused_pictures_and_the_canaries_are_no_failures(prometheus: Prometheus):
    ratios = prometheus.ask("door_model:sparseinst_failures:ratio5m")
    assert {one["metric"]["door"]: float(one["value"][1]) for one in ratios} == {"front": 0, "model": 0}
    refused = prometheus.ask('sum(sparseinst_requests_total{outcome="client_error"})')
    assert float(refused[0]["value"][1]) > 0


def test_triton_calls_a_refused_picture_a_success(prometheus: Prometheus):
    """Why failures at the front door are taken from its own counters."""
    wait_for(lambda: prometheus.ask('sum(sparseinst_requests_total{outcome="client_error"}) > 5'), "refused pictures")
    (difference,) = prometheus.ask(
        f'sum(nv_inference_request_success{{model="{NAME}_front"}})'
        ' - sum(sparseinst_requests_total{arm="service",outcome=~"ok|client_error"})'
    )
    assert float(difference["value"][1]) >= 0
