"""The manifests build, follow Kubernetes' own schemas, and fit the pipeline."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.cluster import STORAGE_SECRET, TRITON_SECRET, WORKSPACE_CLAIM
from pipelines.pipeline import train_to_triton
from sparseinst.serving.key import KEY_HEADER, KEY_NAME, KEY_VARIABLE
from tests.conftest import ROOT

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The YAML that `kubectl kustomize deploy/base` prints."""
    command = [str(BIN / "kubectl"), "kustomize", str(ROOT / "deploy" / "base")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = tmp_path_factory.mktemp("kustomize") / "base.yaml"
    path.write_text(done.stdout)
    return path


@pytest.fixture(scope="module")
def objects(built):
    return {(found["kind"], found["metadata"]["name"]): found for found in yaml.safe_load_all(built.read_text())}


@pytest.fixture(scope="module")
def pod(objects):
    return objects["Deployment", "sparseinst-triton"]["spec"]["template"]["spec"]


def test_every_manifest_follows_the_schema_and_has_no_unknown_field(built):
    command = [str(BIN / "kubernetes-validate"), "--strict", str(built)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_server_runs_as_nobody_special_and_cannot_change_its_image(pod):
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_traffic_comes_only_when_the_model_is_ready_and_a_cold_start_has_minutes(pod):
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/sparseinst/ready"
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]


def test_the_image_is_pinned(pod):
    assert pod["containers"][0]["image"].rsplit(":", 1)[1] not in {"", "latest"}


def test_the_model_repository_is_in_s3_and_its_credentials_in_the_pipelines_secret(objects, pod):
    (container,) = pod["containers"]
    sources = {kind: ref["name"] for source in container["envFrom"] for kind, ref in source.items()}
    assert sources["secretRef"] == STORAGE_SECRET
    assert objects["ConfigMap", sources["configMapRef"]]["data"]["MODEL_REPOSITORY"].startswith("s3://")
    assert "--model-control-mode=explicit" in container["args"]


def test_who_loads_a_model_needs_the_key_of_the_secret_and_who_asks_one_does_not(pod):
    (container,) = pod["containers"]
    (variable,) = [entry for entry in container["env"] if entry["name"] == KEY_VARIABLE]
    assert variable == {
        "name": KEY_VARIABLE,
        "valueFrom": {"secretKeyRef": {"name": TRITON_SECRET, "key": KEY_VARIABLE}},
    }
    for option, header in (("grpc-restricted-protocol", KEY_NAME), ("http-restricted-api", KEY_HEADER)):
        (argument,) = [each for each in container["args"] if each.startswith(f"--{option}=")]
        restricted, _, key = argument.removeprefix(f"--{option}=").partition(":")
        assert {"model-repository", "shared-memory"} <= set(restricted.split(","))
        assert not {"inference", "health", "metadata", "model-config", "statistics"} & set(restricted.split(","))
        assert key == f"{header}=$({KEY_VARIABLE})"


def test_a_dead_model_is_noticed_within_fifteen_seconds_by_a_script_that_the_pod_has(objects, pod):
    (container,) = pod["containers"]
    probe = container["livenessProbe"]
    assert probe["periodSeconds"] + probe["timeoutSeconds"] * probe["failureThreshold"] <= 15
    (script,) = [part for part in probe["exec"]["command"] if part.endswith(".py")]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == str(Path(script).parent)]
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
    data = objects["ConfigMap", volume["configMap"]["name"]]["data"]
    assert data[Path(script).name] == (ROOT / "deploy" / "base" / "liveness.py").read_text()
    deadline = float(probe["exec"]["command"][2].removeprefix("--deadline="))
    assert deadline < probe["timeoutSeconds"], "the probe says itself what is dead"
    assert train_to_triton.component_spec.inputs["model_name"].default in probe["exec"]["command"]


def test_the_probe_needs_only_what_the_servers_container_has():
    tree = ast.parse((ROOT / "deploy" / "base" / "liveness.py").read_text(), feature_version=(3, 10))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_pipelines_volume_is_there(objects):
    assert ("PersistentVolumeClaim", WORKSPACE_CLAIM) in objects


def test_the_pipeline_deploys_to_a_service_that_answers_before_the_first_model_is_ready(objects):
    name, port = train_to_triton.component_spec.inputs["triton_url"].default.split(":")
    service = objects["Service", name]["spec"]
    assert service["publishNotReadyAddresses"] is True
    assert int(port) in {each["port"] for each in service["ports"]}


def test_the_model_that_is_loaded_at_start_is_the_one_that_the_pipeline_deploys(pod):
    model_name = train_to_triton.component_spec.inputs["model_name"].default
    assert f"--load-model={model_name}" in pod["containers"][0]["args"]
