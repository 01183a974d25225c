"""What is scraped and asked for is what deploy/ brings."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from benchmarks.scaling.inputs import read_inputs
from deploy.monitoring.promql import metrics_of, parse, selectors
from deploy.monitoring.queries import alerts, dashboard_queries, read_dashboard, rule_queries
from sparseinst.cli.drift import command as drift
from tests.conftest import ROOT
from tests.deploy.crd import unknown_or_wrong
from tests.deploy.rendered import by_name, kustomizations, overlays, render

MINE = [name for name in kustomizations() if name.startswith("monitoring")]
QUERIES = [*rule_queries(), *dashboard_queries(read_dashboard())]


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], dict[str, Any]]:
    return by_name([*render("monitoring"), *render("monitoring/drift")])


@pytest.fixture(scope="module")
def served() -> dict[tuple[str, str], dict[str, Any]]:
    """Everything that some overlay, or the steps' folder, brings."""
    return by_name([each for name in [*overlays(), "steps"] for each in render(name)])


def matched(label: str) -> set[tuple[str, str]]:
    """How the rules and the dashboard ask for a label: (operator's meaning, text)."""
    return {
        (str(matcher), matcher.value)
        for query in QUERIES
        for selector in selectors(parse(query.text))
        for matcher in selector.matchers.matchers
        if matcher.name == label
    }


def test_the_operators_kinds_follow_its_schema(objects: dict):
    kinds = [each for each in objects.values() if each["apiVersion"] == "monitoring.coreos.com/v1"]
    assert {each["kind"] for each in kinds} == {"ServiceMonitor", "PrometheusRule"}
    assert [unknown_or_wrong(each) for each in kinds] == [[]] * len(kinds)
    broken = json.loads(json.dumps(objects["ServiceMonitor", "sparseinst-triton"]))
    broken["spec"]["endpoints"][0]["intervall"] = "15s"
    assert unknown_or_wrong(broken)


def test_every_replica_is_scraped_through_the_headless_service(objects: dict, served: dict):
    monitor = objects["ServiceMonitor", "sparseinst-triton"]["spec"]
    (endpoint,) = monitor["endpoints"]
    wanted = monitor["selector"]["matchLabels"].items()
    services = [
        each
        for (kind, _), each in served.items()
        if kind == "Service"
        and wanted <= each["metadata"].get("labels", {}).items()
        and endpoint["port"] in {port["name"] for port in each["spec"]["ports"]}
    ]
    (control,) = services
    (kept,) = [each for each in endpoint["relabelings"] if each.get("action") == "keep"]
    assert kept["sourceLabels"] == ["__meta_kubernetes_service_name"]
    assert re.fullmatch(kept["regex"], control["metadata"]["name"])
    assert not re.fullmatch(kept["regex"], "sparseinst-predictor"), "KServe's own, of the same pods"
    assert control["metadata"]["name"] == "sparseinst-triton-control"
    assert control["spec"]["clusterIP"] == "None"
    assert control["spec"]["publishNotReadyAddresses"] is True
    (port,) = [port for port in control["spec"]["ports"] if port["name"] == endpoint["port"]]
    (container,) = served["Deployment", "sparseinst-triton"]["spec"]["template"]["spec"]["containers"]
    assert {"name": port["targetPort"], "containerPort": 8002} in container["ports"]


def test_the_servers_let_prometheus_and_the_drift_exporter_in(objects: dict, served: dict):
    metrics = served["NetworkPolicy", "sparseinst-triton-metrics"]["spec"]["ingress"][0]
    assert metrics["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    pod = objects["Deployment", "sparseinst-drift"]["spec"]["template"]["metadata"]["labels"]
    way = objects["NetworkPolicy", "sparseinst-drift-to-triton"]["spec"]
    assert way["ingress"][0]["from"][0]["podSelector"]["matchLabels"].items() <= pod.items()
    assert way["podSelector"] == served["NetworkPolicy", "sparseinst-triton-metrics"]["spec"]["podSelector"]


def test_rules_ask_for_the_jobs_that_are_scraped(objects: dict):
    jobs = {
        relabeling["replacement"]
        for (kind, _), each in objects.items()
        if kind == "ServiceMonitor"
        for relabeling in each["spec"]["endpoints"][0]["relabelings"]
        if relabeling.get("targetLabel") == "job"
    }
    assert {value for _, value in matched("job")} == jobs


def test_the_server_gives_the_quantiles_that_are_asked_for(served: dict):
    asked = {name for query in QUERIES for name in metrics_of(parse(query.text))}
    assert any("_summary_us" in name for name in asked)
    (container,) = served["Deployment", "sparseinst-triton"]["spec"]["template"]["spec"]["containers"]
    assert "--metrics-config=summary_latencies=true" in container["args"]


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("deployment", "Deployment"),
        ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
        ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ],
)
def test_what_rules_call_by_name_is_called_so(label: str, kind: str, objects: dict, served: dict):
    names = {name for there, name in [*objects, *served] if there == kind}
    for written, value in matched(label):
        pattern = value if "~" in written else re.escape(value)
        assert any(re.fullmatch(pattern, name) for name in names), written


def test_rules_call_the_containers_by_their_names(served: dict):
    pod = served["Deployment", "sparseinst-triton"]["spec"]["template"]["spec"]
    names = {each["name"] for each in pod["containers"]}
    names |= {each["name"] for each in served["ServingRuntime", "sparseinst-triton"]["spec"]["containers"]}
    names |= {"main"}  # of a step of Kubeflow Pipelines
    assert {part for _, value in matched("container") for part in value.split("|")} == names


def test_the_alert_about_the_queue_waits_longer_than_the_autoscaler(served: dict):
    pods = [each["pods"] for each in served["HorizontalPodAutoscaler", "sparseinst-triton"]["spec"]["metrics"]]
    (ratio,) = [
        float(each["target"]["averageValue"]) for each in pods if each["metric"]["name"] == "sparseinst_wait_ratio"
    ]
    (alert,) = [rule for rule in alerts() if rule["alert"] == "SparseinstQueueGrows"]
    assert float(alert["expr"].rpartition(">")[2]) > 2 * ratio * read_inputs().serving.compute_ms / 1000


def test_the_drift_exporters_command_is_one_and_asks_the_headless_service(objects: dict, served: dict):
    (container,) = objects["Deployment", "sparseinst-drift"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sparseinst", "drift"]
    options = drift.make_context("drift", list(container["args"])).params
    host = re.fullmatch(r"http://([a-z-]+):8002/metrics", options["urls"][0])
    assert host
    assert served["Service", host[1]]["spec"]["clusterIP"] == "None"
    assert options["host"] == "0.0.0.0"
    assert options["port"] == container["ports"][0]["containerPort"]
    (server,) = served["Deployment", "sparseinst-triton"]["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"][0]["secretRef"] in [source.get("secretRef") for source in server["envFrom"]]


def test_grafanas_sidecar_finds_the_dashboard(objects: dict):
    found = objects["ConfigMap", "sparseinst-dashboards"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    (text,) = found["data"].values()
    assert json.loads(text)["uid"] == "sparseinst-serving"
    assert len(text) < 1 << 20, "what a ConfigMap may hold"


def test_the_rules_are_written_for_prometheus_as_the_operator_takes_them():
    """One list of groups in each, so that what promtool checks is what the cluster gets."""
    folder = ROOT / "deploy" / "monitoring" / "rules"
    listed = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
    assert {path.name for path in folder.glob("*.yaml")} == listed | {"kustomization.yaml"}
