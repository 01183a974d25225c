"""docs/alerts.md has an entry for each alert, and what it asks Prometheus and the cluster for exists."""

from __future__ import annotations

import re

import pytest

from deploy.monitoring.catalogue import read_catalogue
from deploy.monitoring.promql import findings
from deploy.monitoring.queries import Query, alerts, rule_queries
from tests.conftest import ROOT
from tests.deploy.rendered import kustomizations, render

TEXT = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE))
_KINDS = {"hpa": "horizontalpodautoscaler", "pvc": "persistentvolumeclaim"}


def test_alerts_and_headings_are_the_same_in_alphabetical_order():
    assert list(ENTRIES) == sorted(rule["alert"] for rule in alerts())


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_what_it_means_how_to_see_it_what_to_do_and_whom_to_call(name: str):
    assert re.findall(r"^\*\*(\w+)\b", ENTRIES[name], re.MULTILINE) == ["Means", "Confirm", "Do", "Escalate"]


def test_its_queries_ask_for_what_is_exported():
    queries = re.findall(r"^```promql\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert len(queries) > 10
    asked = [*rule_queries(), *(Query(f"docs/alerts.md: {query.strip()}", query) for query in queries)]
    assert findings(asked, read_catalogue()) == []


def test_the_numbers_of_the_text_are_those_of_the_rules():
    by_name = {rule["alert"]: rule for rule in alerts()}
    for name, number in {
        "SparseinstQueueGrows": "0.25",
        "SparseinstGpuMemoryNearlyFull": "0.92",
        "SparseinstMemoryNearlyFull": "0.9",
        "SparseinstModelFails": "0.01",
        "SparseinstRejects": "0.01",
        "SparseinstCandidateFails": "0.02",
        "SparseinstVolumeNearlyFull": "0.1",
    }.items():
        assert re.search(rf"[<>] {re.escape(number)}\s", by_name[name]["expr"] + "\n")
        said = number if name == "SparseinstQueueGrows" else f"{float(number):.0%}".replace("%", " %")
        assert said in ENTRIES[name], name


def test_the_cluster_has_what_its_commands_name():
    objects = {(each["kind"].lower(), each["metadata"]["name"]) for name in kustomizations() for each in render(name)}
    named = set(re.findall(r"\b(deployment|hpa|pvc)[/ ](sparseinst-[a-z-]+)", TEXT))
    assert named
    assert {(_KINDS.get(kind, kind), name) for kind, name in named} <= objects


def test_its_links_lead_somewhere():
    for page, anchor in re.findall(r"\]\(([\w/.]*)#([\w-]+)\)", TEXT):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8") if page else TEXT
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, f"{page}#{anchor}"
    for page in re.findall(r"\]\(([\w/.]+\.md)\)", TEXT):
        assert (ROOT / "docs" / page).is_file(), page
