"""The image. It is built only where there is a Docker daemon: make test-docker."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = re.findall(r"^([A-Z]+) ", DOCKERFILE, re.MULTILINE)


def test_the_dockerfile_passes_the_linter():
    command = [str(Path(sys.executable).parent / "hadolint"), str(ROOT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_has_no_entrypoint_that_would_swallow_kubeflows_command():
    assert "ENTRYPOINT" not in INSTRUCTIONS


def test_the_image_runs_as_a_number_that_is_not_root():
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user == ("12345", "0")


def test_a_plain_builder_can_build_it():
    assert "RUN --mount" not in DOCKERFILE
    assert "<<" not in DOCKERFILE


def _has_docker():
    return which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.docker
def test_the_image_builds_and_answers_for_any_user_on_a_read_only_root():
    if not _has_docker():
        pytest.skip("no Docker daemon answers ('docker info' fails)")
    name = "sparseinst:test"
    subprocess.run(["docker", "build", "--tag", name, "."], cwd=ROOT, check=True)
    command = ["docker", "run", "--rm", "--user", "54321:0", "--read-only", "--tmpfs", "/tmp", name]
    probe = "import torch, cv2, pycocotools, kfp, sparseinst.imaging, components.train.component"
    for tail in (["sparseinst", "--version"], ["python3", "-c", probe]):
        subprocess.run([*command, *tail], check=True)
