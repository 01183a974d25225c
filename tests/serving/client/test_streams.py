"""Many pictures at a time: in order, never more at the server than allowed, answered as each would be alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sparseinst.errors import ConfigError, DatasetError, StackError
from sparseinst.imaging.write import write_image
from sparseinst.serving.client import TritonClient
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton

WAIT_S = 60


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, barrier: threading.Barrier | None = None) -> Iterator[list[int]]:
    """How many requests were at the server whenever one was sent; with a barrier, they wait there for each other."""
    infer, lock, now, seen = TritonClient.infer, threading.Lock(), [0], []

    def counting(client: TritonClient, *arguments: Any, **options: Any) -> dict[str, NDArray[Any]]:
        with lock:
            now[0] += 1
            seen.append(now[0])
        try:
            if barrier is not None:
                barrier.wait(WAIT_S)
            return infer(client, *arguments, **options)
        finally:
            with lock:
                now[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(TritonClient, "infer", counting)
        yield seen


def test_answers_come_in_the_images_order_with_what_each_gets_alone(served: TritonClient):
    images = [image for side in (40, 64, 300) for image in pictures(4, side, side + 30)]
    alone = [served.predict(image) for image in images]
    together = list(served.predict_many(iter(images)))
    assert len(together) == len(images)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.masks, other.masks)


def test_as_many_requests_are_at_the_server_as_allowed_and_never_more(
    server: OwnTriton, published: str, monkeypatch: pytest.MonkeyPatch
):
    with TritonClient(server.url, published, concurrency=2) as client:
        with counted(monkeypatch, threading.Barrier(2)) as seen:
            assert len(list(client.predict_many(pictures(12, 64, 64)))) == 12
        assert max(seen) == 2 and len(seen) == 12
        with counted(monkeypatch, threading.Barrier(2)) as seen:
            futures = [client.predict_async(image) for image in pictures(6, 64, 64)]
            assert [len(future.result(WAIT_S)) for future in futures] == [2] * 6
        assert max(seen) == 2


def test_images_are_taken_only_as_they_are_needed(server: OwnTriton, published: str):
    taken = 0

    def endless() -> Iterator[NDArray[np.uint8]]:
        nonlocal taken
        while True:
            taken += 1
            yield pictures(1, 64, 64)[0]

    with TritonClient(server.url, published, concurrency=1) as client:
        answers = client.predict_many(endless())
        assert [len(next(answers)) for _ in range(5)] == [2] * 5
        assert taken <= 5 + 2 * (1 + (os.cpu_count() or 1))


def test_a_folder_is_answered_by_name_and_a_broken_file_told_in_its_place(served: TritonClient, tmp_path: Path):
    for name, image in zip(("b.png", "a.jpg", "d.png"), pictures(3, 50, 70), strict=True):
        write_image(tmp_path / name, image)
    (tmp_path / "c.jpg").write_text("no picture")
    (tmp_path / "notes.txt").write_text("no picture, and no claim to be one")
    (tmp_path / "more").mkdir()
    answers = list(served.predict_files(tmp_path))
    assert [answer.path.name for answer in answers] == ["a.jpg", "b.png", "c.jpg", "d.png"]
    assert [answer.found is None for answer in answers] == [False, False, True, False]
    assert isinstance(answers[2].problem, DatasetError) and "c.jpg" in str(answers[2].problem)
    assert answers[0].found is not None and answers[0].found.masks.shape == (2, 50, 70)
    (gone,) = served.predict_files([tmp_path / "gone.jpg"])
    assert gone.problem is not None
    with pytest.raises(DatasetError, match="holds no pictures"):
        list(served.predict_files(tmp_path / "more"))


def test_the_first_error_ends_a_stream_in_its_place(served: TritonClient):
    images = [*pictures(2, 64, 64), np.zeros((4, 4), np.uint8), *pictures(1, 64, 64)]
    answers = served.predict_many(images)
    assert len(next(answers)) == len(next(answers)) == 2
    with pytest.raises(ConfigError, match="uint8"):
        next(answers)


def test_what_is_under_way_when_the_client_closes_fails_and_what_waits_is_cancelled(server: OwnTriton, published: str):
    triton = server.pid
    with TritonClient(server.url, published, concurrency=1) as client:
        _ = client.metadata
        os.kill(triton, signal.SIGSTOP)
        try:
            futures = [client.predict_async(image) for image in pictures(20, 64, 64)]
            client.close()
        finally:
            os.kill(triton, signal.SIGCONT)
    assert all(future.cancelled() or isinstance(future.exception(), StackError) for future in futures)
    assert futures[-1].cancelled()


def test_no_request_at_a_time_is_no_setting():
    with pytest.raises(ConfigError, match="At least one"):
        TritonClient("127.0.0.1:1", "sparseinst", concurrency=0)
