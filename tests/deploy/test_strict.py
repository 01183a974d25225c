"""Every object of every kustomization follows its schema to the letter, for the Kubernetes versions we support."""

import json

import pytest

from tests.deploy.crd import SCHEMAS, known_kinds
from tests.deploy.rendered import kustomizations, overlays, render
from tests.deploy.strict import VERSIONS, findings


def test_the_folders_that_others_rely_on_are_found():
    assert set(kustomizations()) >= {
        *(f"overlays/{name}" for name in ("cpu", "gpu", "spot", "multi-node", "dev", "prod", "kserve")),
        *("base", "steps", "training", "cluster", "secrets/template", "secrets/external"),
    }
    assert len(overlays()) >= 7


@pytest.mark.parametrize("name", kustomizations())
def test_every_object_is_strictly_valid_for_every_supported_kubernetes(name):
    objects = render(name)
    assert objects
    found = {
        f"{version} {each['kind']}/{each['metadata']['name']}": said
        for version in VERSIONS
        for each in objects
        if (said := findings(each, version))
    }
    assert found == {}


@pytest.mark.parametrize("name", kustomizations())
def test_no_object_is_there_twice(name):
    names = [(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in render(name)]
    assert len(names) == len(set(names))


def test_an_unknown_kind_is_a_finding():
    (said,) = findings({"apiVersion": "example.org/v1", "kind": "Mystery", "metadata": {"name": "m"}}, VERSIONS[-1])
    assert "example.org/v1 Mystery" in said


def test_a_version_of_a_kind_that_kubernetes_gave_up_is_a_finding():
    gone = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "old"}, "spec": {}}
    assert all(findings(gone, version) for version in VERSIONS)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("Deployment", ("spec", "template", "spec", "containers", 0, "readinessProbe")),
        ("HorizontalPodAutoscaler", ("spec", "behavior")),
        ("NetworkPolicy", ("spec",)),
    ],
)
def test_a_misspelt_field_of_kubernetes_own_is_found_where_it_stands(kind, place):
    planted = next(each for each in render("overlays/prod") if each["kind"] == kind)
    _at(planted, place)["mispelt"] = 1
    for version in VERSIONS:
        assert any("mispelt" in said for said in findings(planted, version))


SMALL = {
    "InferenceService": {"predictor": {"model": {"modelFormat": {"name": "m"}}}},
    "ServingRuntime": {"containers": [{"name": "kserve-container", "image": "i"}]},
    "ServiceMonitor": {"selector": {}, "endpoints": [{"port": "metrics"}]},
    "PrometheusRule": {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}]},
    "ExternalSecret": {"data": [{"secretKey": "k", "remoteRef": {"key": "r"}}]},
    "SecretStore": {"provider": {"vault": {"server": "https://v", "auth": {"tokenSecretRef": {"name": "t"}}}}},
    "TrainJob": {"runtimeRef": {"name": "r"}, "trainer": {"image": "i"}},
    "TrainingRuntime": {
        "template": {"spec": {"replicatedJobs": [{"name": "node", "template": {"spec": {"template": {}}}}]}}
    },
    "ClusterTrainingRuntime": {"mlPolicy": {"numNodes": 1}, "template": {"spec": {}}},
    "Pipeline": {"description": "p"},
    "PipelineVersion": {"pipelineName": "p", "pipelineSpec": {}},
}
DEEP = {
    "InferenceService": ("predictor", "model", "modelFormat"),
    "ServingRuntime": ("containers", 0),
    "ServiceMonitor": ("endpoints", 0),
    "PrometheusRule": ("groups", 0, "rules", 0),
    "ExternalSecret": ("data", 0, "remoteRef"),
    "SecretStore": ("provider", "vault", "auth"),
    "TrainJob": ("trainer",),
    "TrainingRuntime": ("template", "spec", "replicatedJobs", 0),
    "ClusterTrainingRuntime": ("mlPolicy",),
    "Pipeline": (),
    "PipelineVersion": (),
}


@pytest.mark.parametrize(("api_version", "kind"), sorted(known_kinds()))
def test_an_unknown_field_is_found_in_every_kind_that_is_not_kubernetes_own(api_version, kind):
    planted = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": SMALL[kind]}
    planted = json.loads(json.dumps(planted))
    clean = findings(planted, VERSIONS[-1])
    assert not any("mispelt" in said for said in clean)
    for place in ((), DEEP[kind]):
        again = json.loads(json.dumps(planted))
        _at(again["spec"], place)["mispelt"] = 1
        assert any("mispelt" in said for said in findings(again, VERSIONS[-1])), place


def test_the_small_examples_are_valid_themselves():
    wrong = {
        kind: said
        for (api_version, kind) in known_kinds()
        if (
            said := findings(
                {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": SMALL[kind]}, VERSIONS[-1]
            )
        )
    }
    assert wrong == {}


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_every_schema_says_where_it_comes_from(path):
    assert path.stat().st_size < 2_000_000
    said = json.loads(path.read_text())["$comment"]
    assert "Source: " in said
    assert "github.com/" in said
    assert "Licence" in said


def _at(value, place):
    for key in place:
        value = value[key]
    return value
