"""Each alert fires when it should and not when it should not: promtool's own unit tests, in alerts/."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.monitoring.queries import alerts, rule_groups
from tests.deploy.monitoring.prometheus import promtool, require, write_rules

CASES = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as files, without their texts: the cases say who is told, not in which words."""
    require("promtool")
    folder = tmp_path_factory.mktemp("rules")
    for path in write_rules(folder):
        written = yaml.safe_load(path.read_text())
        for group in written["groups"]:
            for rule in group["rules"]:
                rule.pop("annotations", None)
        path.write_text(yaml.safe_dump(written, sort_keys=False))
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_when_they_should_not(rules: Path, case: Path):
    copy = rules / f"test_{case.name}"
    copy.write_text(case.read_text())
    done = promtool("test", "rules", copy.name, cwd=rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not():
    fires, does_not = set(), set()
    for case in CASES:
        for test in yaml.safe_load(case.read_text())["tests"]:
            for asked in test.get("alert_rule_test", []):
                (fires if asked["exp_alerts"] else does_not).add(asked["alertname"])
    names = {rule["alert"] for rule in alerts()}
    assert fires == does_not == names


def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path):
    done = promtool("check", "rules", *(str(path) for path in write_rules(tmp_path)))
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_sees_a_rule_that_is_broken(tmp_path: Path, rules: Path):
    """Or the tests above would prove nothing."""
    (tmp_path / "rules.yaml").write_text((rules / "serving.yaml").read_text().replace("== 0", "> 0"))
    (tmp_path / "test.yaml").write_text(
        (Path(__file__).parent / "alerts" / "serving.yaml").read_text().replace("[serving.yaml]", "[rules.yaml]")
    )
    assert promtool("test", "rules", "test.yaml", cwd=tmp_path).returncode != 0


def test_every_alert_says_what_it_means_and_how_bad_it_is():
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names))
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert "for" in rule, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_each_group_has_a_name_of_its_own():
    names = [group["name"] for _, groups in rule_groups() for group in groups]
    assert len(names) == len(set(names))
