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
from urllib.request import urlopen

import pytest

from pipelines.run.containers import docker_client
from sparseinst.serving.stack.ports import choose_port
from tests.conftest import ROOT

_STAND_IN = "sparseinst-stand-in/python:3.11"
_TRITON_STAND_IN = "sparseinst-stand-in/tritonserver"
_TRITON_PYTHON = "sparseinst-stand-in/python:3.13"
_INDEX_PORT = 18931  # the same each time: the address is part of what the builder's cache goes by
_SIZES = pytest.StashKey[dict[str, int]]()


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
def base(docker: Any) -> str:
    """The image of Python to build on: BASE, the pinned one, what has the Dockerfile's name here, or a stand-in."""
    if os.environ.get("BASE"):
        return os.environ["BASE"]
    pinned = _said("Makefile", "PINNED_BASE :")
    for name in (pinned, _said("Dockerfile", "ARG BASE"), _STAND_IN):
        if _is_here(docker, name):
            return name
    if not _pull(docker, pinned):
        pytest.skip(f"{pinned} cannot be pulled; on Debian, as root, `make docker-base` makes a stand-in")
    return pinned


@pytest.fixture(scope="session")
def triton_base(docker: Any) -> str:
    """The server to build on: TRITON_BASE, NVIDIA's where it is here (it is too large to pull), else a stand-in."""
    if os.environ.get("TRITON_BASE"):
        return os.environ["TRITON_BASE"]
    asked = _said("deploy/triton.Dockerfile", "ARG TRITON_BASE")
    return asked if _is_here(docker, asked) else _triton_stand_in(docker)


@pytest.fixture(scope="session")
def torch_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """Where `components` gets torch from: TORCH_INDEX if it is set, else the Dockerfile's default (None).

    Where that index is out of reach, the torch that this machine itself installs is served.
    """
    if "TORCH_INDEX" in os.environ or _answers(_said("Dockerfile", "ARG TORCH_INDEX")):
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
def sizes(pytestconfig: pytest.Config) -> dict[str, int]:
    """{image: bytes}, which is printed at the end."""
    return pytestconfig.stash.setdefault(_SIZES, {})


@pytest.fixture(scope="session")
def components(docker: Any, base: str, torch_index: str | None, tag: str, sizes: dict[str, int]) -> Any:
    """The image of the steps."""
    arguments = [f"BASE={base}"]
    if torch_index is not None:
        arguments.append(f"TORCH_INDEX={torch_index}")
    if torch_index and torch_index.startswith("http://127.0.0.1:"):
        arguments.append("BUILD_OPTIONS=--network host")
    return _built(docker, f"sparseinst-components:{tag}", arguments, sizes)


@pytest.fixture(scope="session")
def triton(docker: Any, base: str, triton_base: str, tag: str, sizes: dict[str, int]) -> Any:
    """The image of the server."""
    return _built(docker, f"sparseinst-triton:{tag}", [f"BASE={base}", f"TRITON_BASE={triton_base}"], sizes)


@pytest.fixture(scope="session")
def training(docker: Any, tag: str, sizes: dict[str, int]) -> Any:
    """The image of steps with GPUs, if somebody built it: it is three times as large as that for CPUs."""
    name = f"sparseinst-training:{tag}"
    if not _is_here(docker, name):
        pytest.skip(f"there is no {name}: it takes gigabytes, so it is not built here; make images TAG={tag}")
    return _found(docker, name, sizes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if found := config.stash.get(_SIZES, {}):
        terminalreporter.section("image sizes")
        for name, size in found.items():
            terminalreporter.write_line(f"{name:<40} {size / 1e6:>8.0f} MB")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _said(file: str, name: str) -> str:
    """What a file sets a name to."""
    (value,) = re.findall(rf"^{name}= *(\S+)$", (ROOT / file).read_text(), re.MULTILINE)
    return str(value)


def _answers(index: str) -> bool:
    try:
        with urlopen(f"{index}/torch/", timeout=20):
            return True
    except OSError:
        return False


def _built(docker: Any, name: str, arguments: list[str], sizes: dict[str, int]) -> Any:
    target, _, tag = name.removeprefix("sparseinst-").partition(":")
    if "SPARSEINST_TEST_TAG" not in os.environ:
        command = ["make", "images", f"TARGETS={target}", f"TAG={tag}", "REGISTRY=", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    elif not _is_here(docker, name):
        pytest.skip(f"there is no {name}")
    return _found(docker, name, sizes)


def _found(docker: Any, name: str, sizes: dict[str, int]) -> Any:
    image = docker.images.get(name)
    sizes[name] = image.attrs["Size"]
    return image


def _triton_stand_in(docker: Any) -> str:
    files = Path(sys.prefix) / "triton"
    if not (files / "pytriton").is_dir():
        pytest.skip("NVIDIA's image is not here, and for a stand-in the Triton server is not installed: make setup")
    folder = ROOT / "tests" / "docker"
    if not _is_here(docker, _TRITON_PYTHON):  # a few minutes, once
        make = [str(folder / "stand-in.sh"), "trixie", _TRITON_PYTHON, "libpython3.13"]
        made = subprocess.run(make, capture_output=True, text=True, check=False)
        if not _is_here(docker, _TRITON_PYTHON):
            why = (made.stderr.splitlines() or [f"{make[0]} ended with {made.returncode}"])[-1]
            pytest.skip(f"NVIDIA's image is not here, nor what a stand-in is made of: {why}")
    command = ["docker", "build", "--quiet", "--file", str(folder / "triton_base" / "Dockerfile")]
    subprocess.run([*command, "--tag", _TRITON_STAND_IN, str(files)], check=True, capture_output=True)
    return _TRITON_STAND_IN


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
