"""`make deploy-triton` renders, shows, applies, waits, and says what to do next. The cluster is played by a script."""

import os
import subprocess

import pytest
import yaml

from tests.conftest import ROOT
from tests.deploy.rendered import KUBECTL, by_name, overlays, render

SCRIPT = ROOT / "deploy" / "deploy-triton.sh"

# Renders with the real kubectl; notes every other call, and answers it as the test wants: the file's name is the verb.
PLAYED = """#!/usr/bin/env bash
if [ "$1" = kustomize ]; then exec {kubectl} "$@"; fi
echo "$*" >> {folder}/calls
case "$*" in
  *"get secret/"*) played=secret ;;
  *"get priorityclass/"*) played=priority ;;
  *"get inferenceservice"*) played=service ;;
  *"get pods"*) played=pods ;;
  *) played=$1 ;;
esac
if [ -f {folder}/$played ]; then . {folder}/$played; fi
"""


@pytest.fixture
def deploy(tmp_path):
    """Runs the script against a cluster that answers as said: verb -> a line of bash."""

    def run(overlay="cpu", *, namespace="team", answers=(), **more):
        for name, line in {"rollout": "echo 'deployment \"x\" successfully rolled out'", **dict(answers)}.items():
            (tmp_path / name).write_text(f"{line}\n")
        played = tmp_path / "kubectl"
        played.write_text(PLAYED.format(kubectl=KUBECTL, folder=tmp_path))
        played.chmod(0o755)
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECTL": str(played), "POLL_S": "0", **more}
        environment |= {"OVERLAY": overlay, "NAMESPACE": namespace}
        done = subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, check=False, timeout=60)
        calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
        return done, calls

    return run


@pytest.mark.parametrize("overlay", overlays())
def test_a_dry_run_prints_the_overlay_and_asks_no_cluster(deploy, overlay):
    done, calls = deploy(overlay.removeprefix("overlays/"), namespace="", DRY_RUN="1")
    assert (done.returncode, calls) == (0, [])
    assert by_name(yaml.safe_load_all(done.stdout)) == by_name(render(overlay))


def test_the_image_is_the_one_that_was_pushed(deploy):
    done, _ = deploy(DRY_RUN="1", REGISTRY="registry.example/ml/", TAG="1.2-abc")
    assert "image: registry.example/ml/sparseinst-triton:1.2-abc\n" in done.stdout


def test_an_overlay_of_ones_own_is_taken_by_its_path(deploy, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    base = os.path.relpath(ROOT / "deploy" / "overlays" / "cpu", own)
    (own / "kustomization.yaml").write_text(f"resources: [{base}]\nnamePrefix: b-\n")
    done, _ = deploy(str(own), DRY_RUN="1")
    assert "name: b-sparseinst-triton\n" in done.stdout


def test_it_shows_what_changes_before_it_applies_strictly_and_then_waits(deploy):
    done, calls = deploy(answers={"diff": "exit 1"})
    assert done.returncode == 0
    verbs = [call.split()[0] for call in calls]
    assert verbs == ["get", "get", "diff", "apply", "rollout"]
    assert all("-n team" in call for call in calls)
    assert "--validate=strict" in calls[3]
    assert "all replicas serve" in done.stderr


def test_a_server_without_a_model_is_a_success_that_says_what_to_do_next(deploy):
    done, _ = deploy(answers={"rollout": "echo waiting", "pods": "echo 'true:false true:false '"})
    assert done.returncode == 0
    assert "no model to serve yet" in done.stderr
    assert "make pipeline-run" in done.stderr


@pytest.mark.parametrize("pods", ["true:true true:false ", "false:false ", ":false ", ""])
def test_replicas_that_do_not_become_ready_in_time_are_an_error_that_says_how_to_go_back(deploy, pods):
    done, _ = deploy(answers={"rollout": "echo waiting", "pods": f"echo '{pods}'"}, TIMEOUT_S="1")
    assert done.returncode == 8
    assert "kubectl rollout undo" in done.stderr


def test_kserves_service_is_asked_whether_it_is_ready(deploy):
    done, calls = deploy("kserve", answers={"service": "echo True"})
    assert done.returncode == 0
    assert any("get inferenceservice sparseinst" in call for call in calls)
    assert not any(call.startswith("rollout") for call in calls)


def test_a_missing_secret_is_said_before_anything_is_applied(deploy):
    done, calls = deploy(answers={"secret": "echo 'Error from server (NotFound)' >&2; exit 1"})
    assert done.returncode == 2
    assert "There is no secret/sparseinst-s3-triton." in done.stderr
    assert "deploy/secrets" in done.stderr
    assert not any(call.startswith("apply") for call in calls)


def test_a_missing_priority_is_said_where_the_overlay_has_one(deploy):
    answers = {"priority": "echo 'Error from server (NotFound)' >&2; exit 1"}
    done, _ = deploy("prod", answers=answers)
    assert done.returncode == 2
    assert "kubectl apply -k deploy/cluster" in done.stderr
    done, _ = deploy("cpu", answers=answers)
    assert done.returncode == 0


def test_who_may_not_read_secrets_may_deploy_all_the_same(deploy):
    done, calls = deploy(answers={"secret": "echo 'Error from server (Forbidden)' >&2; exit 1"})
    assert done.returncode == 0
    assert any(call.startswith("apply") for call in calls)


def test_what_the_cluster_refuses_ends_it_at_once(deploy):
    done, calls = deploy(answers={"apply": "echo 'strict decoding error' >&2; exit 1"})
    assert done.returncode == 1
    assert "strict decoding error" in done.stderr
    assert not any(call.startswith("rollout") for call in calls)


@pytest.mark.parametrize(
    ("overlay", "namespace", "said"),
    [
        ("cqu", "team", "There is no overlay 'cqu'."),
        ("", "team", "There is no overlay named."),
        ("cpu", "", "There is no namespace named."),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_a_place_and_a_fix(deploy, overlay, namespace, said):
    done, calls = deploy(overlay, namespace=namespace)
    assert (done.returncode, calls) == (2, [])
    first, where, fix = done.stderr.strip().splitlines()
    assert first == f"error: {said}"
    assert where.startswith("  where: ")
    assert fix.startswith("  fix:   ")
