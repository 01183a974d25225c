"""The manifests of Triton fit the pipeline, the exports and the code that speaks to it."""

import ast
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pipelines.pipeline import train_to_triton
from pipelines.platform.rights import TRITON_KEY_SECRET, TRITON_SECRET
from sparseinst.export.front_door import front_config
from sparseinst.export.repository import DEFAULT, VARIANTS
from sparseinst.serving.key import KEY_HEADER, KEY_NAME, KEY_VARIABLE
from tests.conftest import ROOT
from tests.deploy.policies.every import policies
from tests.deploy.policies.network import selects
from tests.deploy.rendered import DEPLOY, build, by_name, components, kustomizations, overlays, render
from tests.deploy.strict import VERSIONS, findings
from tests.deploy.workloads import steps, workloads

PARAMETERS = train_to_triton.component_spec.inputs
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
every_overlay = pytest.mark.parametrize("overlay", overlays())


def server(overlay):
    """The pod that serves, whatever makes it."""
    (work,) = workloads(render(overlay))
    return work


def settings(overlay):
    """The values of its ConfigMap."""
    (found,) = [
        each["data"]
        for each in render(overlay)
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("sparseinst-triton-")
        if "MODEL_REPOSITORY" in each["data"]
    ]
    return found


@every_overlay
def test_the_server_is_our_image(overlay):
    (container,) = server(overlay).containers
    assert container["image"].startswith("sparseinst-triton:")


@pytest.mark.parametrize("name", kustomizations())
def test_all_images_are_of_this_version(name):
    for work in workloads(render(name)):
        for container in work.containers:
            assert container["image"].split(":")[1] == VERSION


def test_the_images_user_is_a_number_that_is_not_root_so_that_kubelet_lets_it_run():
    stages = re.split(r"(?m)^FROM ", (ROOT / "deploy" / "triton.Dockerfile").read_text())
    (stage,) = [each for each in stages if re.match(r"\S+ AS triton\n", each)]
    *_, user = re.findall(r"(?m)^USER (\S+)$", stage)
    assert re.fullmatch(r"[1-9]\d*:0", user)


@every_overlay
def test_traffic_comes_only_when_the_model_is_ready(overlay):
    (container,) = server(overlay).containers
    model = PARAMETERS["model_name"].default
    assert container["readinessProbe"]["httpGet"]["path"] == f"/v2/models/{model}/ready"


@every_overlay
def test_the_models_that_are_loaded_at_start_are_those_that_the_pipeline_deploys(overlay):
    (container,) = server(overlay).containers
    model = PARAMETERS["model_name"].default
    assert {f"--load-model={model}", f"--load-model={model}_front", "--model-control-mode=explicit"} <= set(
        container["args"]
    )


@every_overlay
def test_the_model_repository_is_in_s3_and_its_credentials_are_the_servers_own(overlay):
    (container,) = server(overlay).containers
    assert [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source] == [TRITON_SECRET]
    inside = settings(overlay)["MODEL_REPOSITORY"]
    assert inside.startswith("s3://")
    bucket = PARAMETERS["model_repository"].default.removeprefix("s3://")
    assert inside.rsplit("/", 1)[1] == bucket, "steps publish where Triton reads"


@every_overlay
def test_the_configuration_that_it_asks_for_is_one_that_exports_have(overlay):
    (container,) = server(overlay).containers
    assert "--model-config-name=$(MODEL_CONFIG)" in container["args"]
    chosen = settings(overlay)["MODEL_CONFIG"]
    assert chosen in VARIANTS
    assert (chosen == "gpu") == ("nvidia.com/gpu" in container["resources"]["limits"])


@every_overlay
def test_who_loads_a_model_needs_the_key_of_the_secret_and_who_asks_one_does_not(overlay):
    (container,) = server(overlay).containers
    (variable,) = [entry for entry in container["env"] if entry["name"] == KEY_VARIABLE]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": TRITON_KEY_SECRET, "key": KEY_VARIABLE}}
    for option, header in (("grpc-restricted-protocol", KEY_NAME), ("http-restricted-api", KEY_HEADER)):
        (argument,) = [each for each in container["args"] if each.startswith(f"--{option}=")]
        restricted, _, key = argument.removeprefix(f"--{option}=").partition(":")
        assert {"model-repository", "shared-memory"} <= set(restricted.split(","))
        assert not {"inference", "health", "metadata", "model-config", "statistics"} & set(restricted.split(","))
        assert key == f"{header}=$({KEY_VARIABLE})"


@every_overlay
def test_a_dead_model_is_noticed_within_fifteen_seconds(overlay):
    (container,) = server(overlay).containers
    probe = container["livenessProbe"]
    assert probe["periodSeconds"] + probe["timeoutSeconds"] * probe["failureThreshold"] <= 15
    assert PARAMETERS["model_name"].default in probe["exec"]["command"]


def test_the_probe_needs_only_what_every_python_has():
    tree = ast.parse((DEPLOY / "base" / "liveness.py").read_text(), feature_version=(3, 10))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


@every_overlay
def test_the_pipeline_deploys_by_a_name_that_gives_every_replica_also_before_its_first_model(overlay):
    name, port = PARAMETERS["triton_url"].default.split(":")
    service = by_name(render(overlay))["Service", name]["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert {each["port"] for each in service["ports"]} == {8000, 8001, 8002}
    assert int(port) == 8001


def who_may(overlay, port):
    """The peers that the server lets in at a port."""
    return [
        peer
        for each in render(overlay)
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"].get("ingress", [])
        if port in {entry["port"] for entry in rule["ports"]}
        for peer in rule["from"]
    ]


def test_only_the_steps_that_compare_and_deploy_are_let_in_by_the_steps_labels():
    own = [peer for peer in who_may("overlays/prod", "grpc") if "namespaceSelector" not in peer]
    pods = {step.name for step in steps() for peer in own if selects(peer["podSelector"], step.labels)}
    assert pods == {"step gate", "step deploy"}


def test_prometheus_reads_metrics_and_nothing_else():
    asks = {"app.kubernetes.io/name": "prometheus"}
    ports = {
        port
        for port in ("http", "grpc", "metrics")
        for peer in who_may("overlays/prod", port)
        if peer["podSelector"].get("matchLabels") == asks
    }
    assert ports == {"metrics"}


def test_in_production_a_pod_of_the_namespace_is_no_client_unless_it_says_so():
    assert {"podSelector": {}} in who_may("overlays/cpu", "http")
    assert {"podSelector": {}} not in who_may("overlays/prod", "http")
    (peer,) = who_may("overlays/prod", "http")
    assert peer["podSelector"] == peer["namespaceSelector"] == {"matchLabels": {"sparseinst/client": "true"}}


@pytest.mark.parametrize(("overlay", "least"), [("spot", 2), ("multi-node", 3), ("prod", 2)])
def test_several_replicas_are_as_many_as_load_and_queue_ask_for(overlay, least):
    objects = by_name(render(f"overlays/{overlay}"))
    scaler = objects["HorizontalPodAutoscaler", "sparseinst-triton"]["spec"]
    assert scaler["minReplicas"] == least
    assert {(each["type"], each["pods"]["target"]["type"]) for each in scaler["metrics"]} == {("Pods", "AverageValue")}
    adapter = yaml.safe_load((DEPLOY / "components" / "replicas" / "prometheus-adapter.yaml").read_text())
    given = {rule["name"]["as"] for rule in adapter["rules"]["custom"]}
    assert {each["pods"]["metric"]["name"] for each in scaler["metrics"]} == given


@pytest.mark.parametrize("overlay", ["spot", "multi-node", "prod"])
def test_what_the_autoscaler_calls_busy_is_one_gpu_with_two_instances(overlay):
    """The rule pod:sparseinst_busy:mean1m starts from it."""
    (container,) = server(f"overlays/{overlay}").containers
    assert int(container["resources"]["limits"]["nvidia.com/gpu"]) == 1
    assert {each.instances for each in (DEFAULT, *VARIANTS.values())} == {2}
    assert "count: 2 }" in front_config("m", [])


def test_a_spot_node_is_left_in_the_time_that_a_pod_on_one_has():
    spot = server("overlays/spot").pod
    assert spot["terminationGracePeriodSeconds"] <= 25
    assert {"nvidia.com/gpu", "sparseinst/spot"} <= {each["key"] for each in spot["tolerations"]}
    gpu = server("overlays/gpu").pod
    assert {each["key"] for each in gpu["tolerations"]} == {"nvidia.com/gpu"}


def test_no_two_replicas_share_a_node_where_several_nodes_are_asked_for():
    constraints = server("overlays/multi-node").pod["topologySpreadConstraints"]
    (node,) = [each for each in constraints if each["topologyKey"] == "kubernetes.io/hostname"]
    assert node["whenUnsatisfiable"] == "DoNotSchedule"
    assert {each["topologyKey"] for each in constraints} >= {"topology.kubernetes.io/zone"}


def test_kserve_runs_the_same_container_with_the_same_settings():
    ours, kserves = server("overlays/cpu"), server("overlays/kserve")
    (mine,), (its,) = ours.containers, kserves.containers
    assert {**its, "name": "triton"} == mine
    assert its["name"] == "kserve-container"
    assert kserves.pod["volumes"] == ours.pod["volumes"]
    assert kserves.labels == ours.labels
    for key in ("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "securityContext"):
        assert kserves.pod[key] == ours.pod[key]
    assert kserves.pod["terminationGracePeriodSeconds"] == ours.pod["terminationGracePeriodSeconds"]
    assert kserves.pod["topologySpreadConstraints"] == ours.pod["topologySpreadConstraints"]
    assert ("Deployment", "sparseinst-triton") not in by_name(render("overlays/kserve"))


def test_every_component_is_used_by_an_overlay():
    used = {
        Path(line.strip().removeprefix("- ")).name
        for path in (DEPLOY / "overlays").glob("*/kustomization.yaml")
        for line in path.read_text().splitlines()
        if "components/" in line
    }
    assert used == set(components())


README = (DEPLOY / "README.md").read_text()


@pytest.mark.parametrize("overlay", overlays())
def test_the_readme_says_how_many_replicas_an_overlay_has_and_on_what(overlay):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{overlay.removeprefix('overlays/')}` |")]
    _, _, replicas, gpu, *_ = [cell.strip() for cell in row.split("|")]
    work, objects = server(overlay), render(overlay)
    scalers = [each["spec"] for each in objects if each["kind"] == "HorizontalPodAutoscaler"]
    said = [f"{each['minReplicas']} to {each['maxReplicas']}" for each in scalers] or [str(work.replicas)]
    assert [replicas] == said
    assert (gpu != "–") == ("nvidia.com/gpu" in work.containers[0]["resources"]["limits"])


def test_the_overlay_of_ones_own_in_the_readme_builds_and_keeps_every_policy(tmp_path):
    written = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)[1]
    near = Path(os.path.relpath(DEPLOY, tmp_path))
    (tmp_path / "kustomization.yaml").write_text(written.replace("../../", f"{near}/"))
    objects = build(tmp_path)
    found = {name: said for name, policy in policies().items() if (said := policy(objects))}
    assert found == {}
    (work,) = workloads(objects)
    assert work.containers[0]["image"] == "registry.example/ml/sparseinst-triton:0.1.0"
    assert not any(findings(each, version) for each in objects for version in VERSIONS)
