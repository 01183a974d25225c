"""Images of this checkout, built by a real Docker engine, and what stands in for base images that cannot be fetched.

SPARSEINST_TEST_TAG names images that are there already (make images TAG=…), and nothing is built.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from pipelines.run.containers import docker_client
from sparseinst.serving.stack.ports import choose_port
from tests.conftest import ROOT

STAND_INS = {"BASE": "sparseinst-stand-in/python:3.11", "TRITON_BASE": "sparseinst-stand-in/tritonserver"}
_INDEX_PORT = 18931  # the same each time: the address is part of what the builder's cache goes by
_TRITON_PYTHON = "sparseinst-stand-in/python:3.13"
_NO_BASE = "{} is not here and cannot be pulled; on Debian, as root, `make docker-base` makes a stand-in"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def docker() -> Iterator[Any]:
    if not which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker daemon answers ('docker info' fails)")
    with docker_client() as client:
        yield client


@pytest.fixture(scope="session")
def bases(docker: Any) -> dict[str, str]:
    """The base images by the names of their build arguments: the Dockerfile's where they are here, else stand-ins."""
    asked = dict(re.findall(r"^ARG ((?:TRITON_)?BASE)=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    found = {name: image if _is_here(docker, image) else STAND_INS[name] for name, image in asked.items()}
    if not _is_here(docker, found["BASE"]):
        if not _pull(docker, asked["BASE"]):
            pytest.skip(_NO_BASE.format(asked["BASE"]))
        found["BASE"] = asked["BASE"]
    return found


@pytest.fixture(scope="session")
def torch_index(bases: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """Where `components` gets torch from: TORCH_INDEX if it is set, else the Dockerfile's default (None).

    Where the base is a stand-in, the public index of CPU builds is out of reach as well: then the torch that this
    machine itself installs is served.
    """
    if "TORCH_INDEX" in os.environ or bases["BASE"] != STAND_INS["BASE"]:
        yield os.environ.get("TORCH_INDEX")
        return
    folder = tmp_path_factory.mktemp("index") / "torch"
    (pin,) = re.findall(r"^torch==\S+$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), pin]
    subprocess.run(fetch, check=True)
    handler = partial(_Quiet, directory=str(folder.parent))
    port = choose_port((), preferred=_INDEX_PORT)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def tag() -> str:
    return os.environ.get("SPARSEINST_TEST_TAG", "under-test")


@pytest.fixture(scope="session")
def components(docker: Any, bases: dict[str, str], torch_index: str | None, tag: str) -> Any:
    """The image of the steps."""
    return _built(docker, "components", tag, {"BASE": bases["BASE"], "TORCH_INDEX": torch_index})


@pytest.fixture(scope="session")
def triton(docker: Any, components: Any, bases: dict[str, str], torch_index: str | None, tag: str) -> Any:
    """The image of the server."""
    if bases["TRITON_BASE"] == STAND_INS["TRITON_BASE"]:
        _make_triton_base(docker)
    return _built(docker, "triton", tag, {**bases, "TORCH_INDEX": torch_index})


@pytest.fixture(scope="session")
def training(docker: Any, bases: dict[str, str], tag: str) -> Any:
    """The image of steps with GPUs, if somebody built it: it is five times as large as the others together."""
    name = f"sparseinst-training:{tag}"
    if not _is_here(docker, name):
        pytest.skip(f"there is no {name}: it takes gigabytes, so it is not built here; make images TAG={tag}")
    return docker.images.get(name)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _built(docker: Any, target: str, tag: str, arguments: dict[str, str | None]) -> Any:
    name = f"sparseinst-{target}:{tag}"
    if "SPARSEINST_TEST_TAG" not in os.environ:
        said = [f"{key}={value}" for key, value in arguments.items() if value is not None]
        command = ["make", "images", f"TARGETS={target}", f"TAG={tag}", "BUILD_OPTIONS=--network host", *said]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    elif not _is_here(docker, name):
        pytest.skip(f"there is no {name}")
    return docker.images.get(name)


def _make_triton_base(docker: Any) -> None:
    files = Path(sys.prefix) / "triton"
    if not (files / "pytriton").is_dir():
        pytest.skip("the Triton server is not installed: make setup")
    if not _is_here(docker, _TRITON_PYTHON):
        pytest.skip(_NO_BASE.format("NVIDIA's Triton image"))
    folder = ROOT / "tests" / "docker" / "triton_base"
    command = ["docker", "build", "--quiet", "--file", str(folder / "Dockerfile"), "--tag", STAND_INS["TRITON_BASE"]]
    subprocess.run([*command, str(files)], check=True, capture_output=True)


def _is_here(docker: Any, name: str) -> bool:
    import docker.errors as errors  # the fixture has the package's name

    try:
        docker.images.get(name)
    except errors.ImageNotFound:
        return False
    return True


def _pull(docker: Any, name: str) -> bool:
    import docker.errors as errors

    try:
        docker.images.pull(name)
    except errors.APIError:
        return False
    return True
