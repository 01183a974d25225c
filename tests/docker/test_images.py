"""What the built images are, and that they work for any user on a root that nobody can write to."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from tests.conftest import ROOT

_ANY_USER = "54321:0"
_INSTALLED = (
    "import importlib.metadata as m, json, sys\n"
    "print(json.dumps(sorted([d.metadata['Name'], d.version] for d in m.distributions(path=[sys.argv[1]]))))"
)
_PLACES = {
    "components": "/opt/venv/lib/python3.11/site-packages",
    "training": "/opt/venv/lib/python3.11/site-packages",
    "triton": "/opt/front-door",
}


@pytest.fixture(params=["components", "triton", "training"])
def image(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def run(docker: Any, image: Any, *command: str, **options: Any) -> str:
    """What a command prints in the image, for a user without a name, without a network, on a read-only root."""
    options = {"user": _ANY_USER, "read_only": True, "tmpfs": {"/tmp": ""}, "network_mode": "none"} | options
    container = docker.containers.run(image.id, list(command), detach=True, **options)
    try:  # read when it has ended: followed while it runs, the last bytes may be missing
        code = container.wait()["StatusCode"]
        assert code == 0, container.logs().decode()
        return str(container.logs(stderr=False).decode())
    finally:
        container.remove(force=True)


def target(image: Any) -> str:
    return str(image.labels["org.opencontainers.image.title"]).removeprefix("sparseinst-")


def test_it_runs_as_a_number_that_is_not_root_without_an_entrypoint(image: Any):
    assert image.attrs["Config"]["User"] == "12345:0"
    assert not image.attrs["Config"]["Entrypoint"]


def test_its_labels_say_which_code_is_in_it(image: Any):
    labels = {key.rpartition(".")[2]: value for key, value in image.labels.items()}
    assert labels["version"] == re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.M)[0]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert datetime.fromisoformat(labels["created"]).tzinfo
    assert labels["licenses"] == "MIT"
    assert f"SPARSEINST_COMMIT={labels['revision']}" in image.attrs["Config"]["Env"]


def test_python_is_there_for_steps_under_both_names(docker: Any, image: Any):
    for name in ("python3",) if target(image) == "triton" else ("python3", "python"):
        assert run(docker, image, name, "-c", "print(6 * 7)") == "42\n"


def test_its_bill_of_materials_names_every_installed_package_and_no_other(docker: Any, image: Any):
    said = json.loads(run(docker, image, "cat", "/usr/share/sbom/python.cdx.json"))
    assert said["bomFormat"] == "CycloneDX"
    named = sorted([part["name"], part["version"]] for part in said["components"])
    assert named == json.loads(run(docker, image, "python3", "-c", _INSTALLED, _PLACES[target(image)]))
    assert "sparseinst" in dict(named)
    assert all(part["purl"].startswith("pkg:pypi/") for part in said["components"] if part["name"] != "sparseinst")


def test_nothing_secret_and_nothing_of_a_checkout_came_along(docker: Any, image: Any):
    names = (".git", ".env", ".netrc", ".pypirc", "*.key", "id_*", "credentials", "stack.json", "tests", "data.dvc")
    asked = " -o ".join(f"-name '{name}'" for name in names)
    find = f"find /root /home /src /tmp /opt -maxdepth 2 \\( {asked} \\) 2>/dev/null || true"
    found = run(docker, image, "sh", "-c", find)
    assert found == ""


def test_the_steps_image_with_torch_has_at_most_2_5_gb(components: Any):
    assert components.attrs["Size"] <= 2.5e9


def test_the_steps_image_has_all_that_a_step_needs(docker: Any, components: Any):
    assert run(docker, components, "sparseinst", "--version").startswith("sparseinst, version ")
    probe = (
        "import os, torch, cv2, pycocotools, kfp.dsl.executor_main, components.train.component\n"
        "import sparseinst.training.run, sparseinst.export.export, sparseinst.serving.rollout\n"
        "assert torch.version.cuda is None\n"
        "print(os.getuid(), torch.ones(3).sum().item())"
    )
    assert run(docker, components, "python3", "-c", probe) == "54321 3.0\n"


def test_nothing_can_be_written_but_to_tmp(docker: Any, components: Any):
    probe = "touch /tmp/mine && ! touch /opt/venv/mine 2>/dev/null && ! touch ./../etc/mine 2>/dev/null && pwd"
    assert run(docker, components, "sh", "-c", probe, read_only=False) == "/tmp\n"


def test_the_images_share_their_largest_common_layer(components: Any, training: Any):
    ours, theirs = (image.attrs["RootFS"]["Layers"] for image in (components, training))
    common = [mine for mine, other in zip(ours, theirs, strict=False) if mine == other]
    assert len(common) >= 3  # the base, the lists, and the packages without torch


def test_the_training_image_has_a_torch_for_gpus_and_its_libraries(docker: Any, training: Any):
    probe = "import torch; print(torch.version.cuda is not None, torch.backends.cudnn.is_available() or 'no driver')"
    assert run(docker, training, "python3", "-c", probe).startswith("True ")
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in training.attrs["Config"]["Env"]
