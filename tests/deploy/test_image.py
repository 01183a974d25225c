"""What can be said of the images without building them; tests/docker builds them."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.serving.front_door.test_config import NEEDED

STEPS, SERVER = "Dockerfile", "deploy/triton.Dockerfile"
DOCKERFILES = {path: (ROOT / path).read_text() for path in (STEPS, SERVER)}
TARGETS = {"components": STEPS, "training": STEPS, "triton": SERVER}
MAKEFILE = (ROOT / "Makefile").read_text()
(PINNED,) = re.findall(r"^PINNED_BASE := (\S+)$", MAKEFILE, re.MULTILINE)
USUAL = "python:3.11-slim"
_INSTALLED_AS = {"PIL": "pillow", "cv2": "opencv-python-headless", "yaml": "pyyaml"}


def _stage(name):
    """The instructions of a stage."""
    text = DOCKERFILES[TARGETS[name]]
    (stage,) = re.findall(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL)
    return stage


@pytest.mark.parametrize("path", [STEPS, SERVER, "tests/docker/triton_base/Dockerfile"])
def test_the_dockerfile_passes_the_linter(path):
    command = [str(Path(sys.executable).parent / "hadolint"), str(ROOT / path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_runs_as_a_number_that_is_not_root(target):
    assert re.findall(r"^USER (\S+)$", _stage(target), re.MULTILINE) == ["12345:0"]


def test_no_image_has_an_entrypoint_that_would_swallow_kubeflows_command():
    assert re.findall(r"^ENTRYPOINT (.*)$", "".join(DOCKERFILES.values()), re.MULTILINE) == ["[]"]
    assert "ENTRYPOINT []" in _stage("triton"), "NVIDIA's image has one"


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_says_which_code_is_in_it_and_lists_what_it_contains(target):
    stage = _stage(target)
    for label in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{label}=" in stage
    assert f"COPY --from={target}-listed /usr/share/sbom /usr/share/sbom" in stage


@pytest.mark.parametrize("path", DOCKERFILES)
def test_a_plain_builder_can_build_it(path):
    assert not re.search(r"--mount|--link|--chmod|<<", DOCKERFILES[path])


def test_no_image_of_the_steps_needs_one_of_nvidias():
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILES[STEPS], re.MULTILINE))
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILES[STEPS], re.MULTILINE))
    assert bases - stages == {"${BASE}"}


def test_a_plain_build_ends_with_the_steps_image_and_the_smaller_one_comes_first():
    order = re.findall(r"^FROM (?:\S+ AS )?(components|training)$", DOCKERFILES[STEPS], re.MULTILINE)
    assert order == ["components", "training", "components"]
    *_, last = re.split(r"^(?=FROM )", DOCKERFILES[STEPS], flags=re.MULTILINE)
    assert last == "FROM components\n", "nothing may be added to it"


def test_the_bases_are_pinned_in_the_makefile_and_have_a_usual_name_in_the_dockerfiles():
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", PINNED)
    assert f"\nUSUAL_BASE := {USUAL}\n" in MAKEFILE
    assert all(f"\nARG BASE={USUAL}\n" in text for text in DOCKERFILES.values())
    (tag,) = re.findall(r"^ARG TRITON_BASE=nvcr\.io/nvidia/tritonserver:(\d\d\.\d\d)-py3$", DOCKERFILES[SERVER], re.M)
    assert f"tritonserver:{tag}-py3" in (ROOT / "docs" / "images.md").read_text()


@pytest.mark.parametrize("path", DOCKERFILES)
def test_the_context_is_what_the_dockerfiles_copy_and_nothing_else(path):
    first, *patterns = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*"
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILES[path], re.MULTILINE)
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


# A docker that has the images in $HERE, pulls those in $THERE, and notes what is built.
_DOCKER = """#!/bin/bash
case "$1 $2" in
  "image inspect") [[ $3 == --format || " $HERE " == *" $3 "* ]] ;;
  "pull --quiet") [[ " $THERE " == *" $3 "* ]] || { echo "no such host" >&2; exit 1; } ;;
  "network inspect") [[ $3 == "$NETWORK" ]] ;;
  "build "*) echo "$*" >>"$BUILT" ;;
esac
"""


@pytest.fixture
def images(tmp_path):
    """`make images TARGETS=…`, where some images are here and some can be pulled: how it ends, and what it builds."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    docker, built = tmp_path / "bin" / "docker", tmp_path / "built"
    docker.parent.mkdir()
    docker.write_text(_DOCKER)
    docker.chmod(0o755)
    built.touch()

    def run(target, *arguments, here=(), there=(), network="bridge"):
        environment = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}", "BUILT": str(built)}
        environment |= {"HERE": " ".join(here), "THERE": " ".join(there), "NETWORK": network, "BASE": ""}
        command = ["make", "images", f"TARGETS={target}", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done, built.read_text()

    return run


@pytest.mark.parametrize("where", ["here", "there"])
@pytest.mark.parametrize("target", TARGETS)
def test_an_image_is_built_of_its_dockerfile_on_the_pinned_base(images, target, where):
    done, built = images(target, **{"here": [USUAL]} | {where: [PINNED, USUAL]})
    assert done.returncode == 0, done.stderr
    assert f"--build-arg BASE={PINNED} " in built
    assert f"--target {target} " in built and "--network" not in built
    assert ("--file deploy/triton.Dockerfile" in built) == (target == "triton")
    assert USUAL not in done.stderr


def test_where_the_pinned_base_cannot_be_had_the_usual_one_will_do_and_that_is_said(images):
    done, built = images("components", here=[USUAL])
    assert done.returncode == 0, done.stderr
    assert f"--build-arg BASE={USUAL} " in built
    said, name = done.stderr.splitlines()
    assert said == f"images: built on the {USUAL} that is here, since {PINNED} cannot be pulled: no such host"
    assert name.startswith("images: sparseinst-components:")


def test_where_no_base_can_be_had_the_fix_is_said_and_nothing_is_built(images):
    done, built = images("components")
    assert done.returncode != 0 and not built
    problem, fix, *_ = done.stderr.splitlines()
    assert problem == f"images: {PINNED} is not here and cannot be pulled: no such host"
    assert "BASE=" in fix and "make docker-base" in fix


def test_a_base_that_is_named_is_the_one(images):
    done, built = images("components", "BASE=own:1", here=[USUAL, PINNED])
    assert done.returncode == 0, done.stderr
    assert re.findall(r"BASE=(\S+)", built) == ["own:1"]


def test_a_daemon_without_a_bridge_builds_in_the_network_of_its_machine(images):
    _, built = images("components", "BASE=own:1", network="host")
    assert "--network host" in built
