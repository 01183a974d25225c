"""What can be said of the images without building them; tests/docker builds them."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.serving.front_door.test_config import NEEDED

DOCKERFILE = (ROOT / "Dockerfile").read_text()
TARGETS = ("components", "triton", "training")
_INSTALLED_AS = {"PIL": "pillow", "cv2": "opencv-python-headless", "yaml": "pyyaml"}


def _stage(name):
    """The instructions of a stage."""
    (text,) = re.findall(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    return text


@pytest.mark.parametrize("path", ["Dockerfile", "tests/docker/triton_base/Dockerfile"])
def test_the_dockerfile_passes_the_linter(path):
    command = [str(Path(sys.executable).parent / "hadolint"), str(ROOT / path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_runs_as_a_number_that_is_not_root(target):
    assert re.findall(r"^USER (\S+)$", _stage(target), re.MULTILINE) == ["12345:0"]


def test_no_image_has_an_entrypoint_that_would_swallow_kubeflows_command():
    assert re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE) == ["[]"]
    assert "ENTRYPOINT []" in _stage("triton"), "NVIDIA's image has one"


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_says_which_code_is_in_it_and_lists_what_it_contains(target):
    stage = _stage(target)
    for label in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{label}=" in stage
    assert f"COPY --from={target}-listed /usr/share/sbom /usr/share/sbom" in stage


def test_a_plain_builder_can_build_it():
    assert not re.search(r"--mount|--link|--chmod|<<", DOCKERFILE)


def test_the_steps_image_comes_before_all_that_needs_an_image_of_nvidias():
    assert DOCKERFILE.index("AS components\n") < DOCKERFILE.index("FROM ${TRITON_BASE}")


def test_the_bases_are_pinned():
    assert re.search(r"^ARG BASE=python:\d+\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    (tag,) = re.findall(r"^ARG TRITON_BASE=nvcr\.io/nvidia/tritonserver:(\d\d\.\d\d)-py3$", DOCKERFILE, re.MULTILINE)
    assert f"tritonserver:{tag}-py3" in (ROOT / "docs" / "images.md").read_text()


def test_the_context_is_what_the_dockerfile_copies_and_nothing_else():
    first, *patterns = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*"
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == set(" ".join(copied).split())


def test_the_servers_image_gets_what_the_front_door_imports():
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["front-door"]
    assert set(group) == {_INSTALLED_AS.get(name, name) for name in NEEDED}


def _make(*arguments):
    environment = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [("images",), ("push", "REGISTRY=registry.example/team")])
def test_without_docker_make_says_so(arguments):
    done = _make(*arguments)
    assert done.returncode != 0
    assert done.stderr.startswith(f"{arguments[0]}: no Docker daemon answers")


def test_a_push_wants_to_know_where_to():
    done = _make("push")
    assert done.returncode != 0
    assert "make push REGISTRY=" in done.stderr


def test_an_images_name_has_registry_version_and_commit_and_the_index_of_torch_may_be_none():
    printed = _make("--dry-run", "images", "REGISTRY=registry.example/team", "TORCH_INDEX=").stdout
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for target in TARGETS:
        assert re.search(
            rf"--target {target} .*--tag 'registry\.example/team/sparseinst-{target}:{version}-\w+", printed
        )
    assert "--build-arg TORCH_INDEX=''" in printed
    assert "TORCH_INDEX" not in _make("--dry-run", "images").stdout, "by default the Dockerfile decides"
