"""The manifests build, follow Kubernetes' own schemas, and fit the pipeline."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.cluster import STORAGE_SECRET, WORKSPACE_CLAIM
from pipelines.pipeline import train_to_triton
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
