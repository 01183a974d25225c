"""What prometheus-adapter asks on behalf of the autoscaler, as it asks it, is answered for each of its pods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.monitoring.catalogue import read_catalogue
from deploy.monitoring.promql import findings, parse, selectors
from deploy.monitoring.queries import Query, rule_queries
from tests.deploy.monitoring.prometheus import promtool, write_rules
from tests.deploy.rendered import DEPLOY

VALUES = DEPLOY / "components" / "replicas" / "prometheus-adapter.yaml"
RULES: list[dict[str, Any]] = yaml.safe_load(VALUES.read_text())["rules"]["custom"]
CASE = Path(__file__).parent / "alerts" / "autoscaler.yaml"

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"]["as"])


def asked(rule: dict[str, Any], namespace: str, *pods: str) -> str:
    """The query for some pods.

    Source:
        kubernetes-sigs/prometheus-adapter 0536a5d4, pkg/naming/metrics_query.go: a Go template between << and >>, whose
        labels are those that stand for a namespace and a pod, the latter a pattern where there are several.
    """
    labels = {kind["resource"]: label for label, kind in rule["resources"]["overrides"].items()}
    operator = "=~" if len(pods) > 1 else "="
    fields = {
        "Series": rule["seriesQuery"].partition("{")[0],
        "LabelMatchers": f'{labels["namespace"]}="{namespace}",{labels["pod"]}{operator}"{"|".join(pods)}"',
        "GroupBy": labels["pod"],
    }
    return re.sub(r"<<\s*\.(\w+)\s*>>", lambda field: fields[field[1]], rule["metricsQuery"])


@each_rule
def test_what_the_adapter_looks_for_is_recorded(rule: dict[str, Any]):
    series = Query("what it looks for", rule["seriesQuery"])
    for_pods = Query("what it asks", asked(rule, "team", "a", "b"), mentions=frozenset({"pod"}))
    assert findings([*rule_queries(), series, for_pods], read_catalogue()) == []
    (selector,) = selectors(parse(rule["seriesQuery"]))
    assert selector.name in {query.record for query in rule_queries()}


@each_rule
def test_a_rule_that_asks_for_something_else_is_found(rule: dict[str, Any]):
    other = Query("what it asks", asked({**rule, "seriesQuery": "pod:sparseinst_bussy:mean1m{}"}, "team", "a"))
    assert findings([*rule_queries(), other], read_catalogue())


def test_each_pod_gets_its_number(tmp_path: Path):
    """By promtool, with the counters of the case in which the rules themselves are tested."""
    write_rules(tmp_path)
    case = yaml.safe_load(CASE.read_text())
    expected = {"sparseinst_busy": {"a": 0.5, "b": 1}, "sparseinst_wait_ratio": {"a": 2, "b": 3}}
    case["tests"][0]["promql_expr_test"] = [
        {
            "expr": asked(rule, "team", *pods),
            "eval_time": "4m",
            "exp_samples": [{"labels": f'{{pod="{pod}"}}', "value": expected[rule["name"]["as"]][pod]} for pod in pods],
        }
        for rule in RULES
        for pods in (("a",), ("a", "b"))
    ]
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump(case))
    done = promtool("test", "rules", "adapter.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
