"""What is asked for, what is pinned, and what the code imports are the same."""

import ast
import re
import sys
import tomllib

import pytest

from tests.conftest import ROOT

# Where a package is imported by another name than it is installed by.
_INSTALLED_AS = {
    "PIL": "pillow",
    "botocore": "boto3",
    "cv2": "opencv-python-headless",
    "google": "protobuf",
    "yaml": "pyyaml",
}
_OURS = {"sparseinst", "components", "pipelines"}
_TRITONS = {"triton_python_backend_utils"}  # what runs inside the server finds it there


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _name(requirement):
    return re.split(r"[\[=<>]", requirement)[0].lower().replace("_", "-")


def _imported(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.split(".")[0]


@pytest.mark.parametrize("folder", ["sparseinst", "components"])
def test_the_image_has_every_package_that_a_step_imports(project, folder):
    wanted = {name for name in _imported(folder) if name not in sys.stdlib_module_names} - _OURS - _TRITONS
    asked = {_name(requirement) for requirement in project["dependencies"]}
    assert {_INSTALLED_AS.get(name, name) for name in wanted} <= asked


def test_everything_that_is_asked_for_is_pinned(project, pins):
    groups = (project["dependencies"], *project["optional-dependencies"].values())
    assert {_name(requirement) for group in groups for requirement in group} <= {_name(pin) for pin in pins}


def test_every_line_of_the_lock_is_one_exact_version(pins):
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []


def test_torch_is_pinned_without_a_build_so_that_each_machine_gets_its_own(pins):
    names = {_name(pin) for pin in pins}
    assert {"torch", "torchvision"} <= names
    assert not [name for name in names if name.startswith("nvidia-")]


def test_the_lock_names_no_index_and_no_place_of_one_machine():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"index-url|https?://|file://", text)
