"""Requests through shared memory: the same answers, and nothing left behind, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.errors import ConfigError, StackError
from sparseinst.export.contract import OUTPUTS
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from tests.serving import tiny
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton

ALL = [spec.name for spec in OUTPUTS]


def regions(process: int = os.getpid()) -> set[str]:
    """Those of this process: other tests may run beside it on this machine."""
    return {path.name for path in Path("/dev/shm").glob(f"sparseinst-client-{process}-*")}


def known_to(connection: Connection) -> list[str]:
    """The regions that the server still holds."""
    status = connection._call(connection._client.get_system_shared_memory_status)
    return [name for name in status.regions if name.startswith("sparseinst-client-")]


@pytest.fixture
def sharing(server: OwnTriton, published: str, connection: Connection) -> Iterator[TritonClient]:
    """After it, neither the machine nor the server may hold anything of it."""
    with TritonClient(server.url, published, key=server.key, shared_memory=True) as client:
        yield client
    left = known_to(connection)
    for name in left:  # the next test begins with nothing
        connection.unregister_memory(name)
    assert not regions() and not left


def test_answers_through_shared_memory_are_the_same_to_the_bit(sharing: TritonClient, connection: Connection):
    model = tiny.Tiny(1.0)
    for batch, height, width in ((1, 64, 64), (4, 35, 71), (4, 35, 71), (1, 64, 64), (2, 300, 211), (2, 300, 211)):
        images = tiny.random_images(batch, height, width, seed=height)
        answer = sharing.infer(images, ALL)
        for spec, tensor in zip(OUTPUTS, model(torch.from_numpy(images)), strict=True):
            assert answer[spec.name].dtype == tensor.numpy().dtype
            np.testing.assert_array_equal(answer[spec.name], tensor.numpy())
    assert not regions()  # gone from the file system while they are in use
    assert len(known_to(connection)) == 1  # one after the other, they need one region


def test_images_really_go_through_it(sharing: TritonClient, monkeypatch: pytest.MonkeyPatch):
    image = pictures(1, 64, 64)[0]
    first = sharing.predict(image)
    monkeypatch.setattr(Connection, "infer", None)  # the usual way is closed
    second = sharing.predict(image)
    np.testing.assert_array_equal(first.masks, second.masks)


def test_threads_do_not_write_into_each_others_memory(sharing: TritonClient):
    images = pictures(24, 64, 96)
    alone = [sharing.predict(image) for image in images]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(sharing.predict, images))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.masks, other.masks)


def test_after_an_error_the_memory_is_given_back_and_the_next_request_works(sharing: TritonClient, server: OwnTriton):
    images = tiny.random_images(1, 64, 64)
    for _ in range(2):
        sharing.infer(images)
    os.kill(server.pid, signal.SIGSTOP)
    goes_on = threading.Timer(1, os.kill, (server.pid, signal.SIGCONT))
    goes_on.start()
    with pytest.raises(StackError, match="did not answer within"):
        sharing.infer(images, timeout_s=0.2)
    goes_on.join()
    assert sharing.infer(images)["scores"].shape == (1, 3)


def test_memory_that_the_server_still_works_with_is_given_back_in_the_end(
    sharing: TritonClient, monkeypatch: pytest.MonkeyPatch
):
    def in_use(self: Connection, name: str) -> None:
        raise StackError(f"Triton failed: Cannot unregister shared memory region '{name}', it is in use.")

    images = tiny.random_images(1, 64, 64)
    for _ in range(2):
        sharing.infer(images)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "unregister_memory", in_use)
        larger = tiny.random_images(1, 96, 96)
        for _ in range(2):
            sharing.infer(larger)  # takes the place of the smaller region


def test_a_server_that_forgot_the_memory_gets_it_anew(sharing: TritonClient, connection: Connection):
    images = tiny.random_images(1, 64, 64)
    expected = [sharing.infer(images) for _ in range(2)][-1]
    for name in known_to(connection):
        connection.unregister_memory(name)  # as a restart does
    for _ in range(2):
        np.testing.assert_array_equal(sharing.infer(images)["masks"], expected["masks"])


def test_a_full_shm_is_told_and_not_died_of(sharing: TritonClient, monkeypatch: pytest.MonkeyPatch):
    usage = os.statvfs("/dev/shm")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10, "total": usage.f_blocks})())
    with pytest.raises(ConfigError, match="no room") as full:
        sharing.infer(tiny.random_images(1, 64, 64))
    assert "/dev/shm" in full.value.where


def test_a_killed_client_leaves_no_file(server: OwnTriton, published: str, connection: Connection):
    code = f"""
import numpy as np, os, signal
from sparseinst.serving.client import TritonClient
client = TritonClient({server.url!r}, {published!r}, key={server.key!r}, shared_memory=True)
for _ in range(2):
    client.infer(np.zeros((1, 3, 64, 64), np.uint8))
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ)) as client:
        assert client.wait(timeout=60) == -signal.SIGKILL
    assert not regions(client.pid)
    for name in known_to(connection):  # the server cannot know that the client is gone
        connection.unregister_memory(name)
