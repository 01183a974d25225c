"""The page before a real front door in a real Triton server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from click.testing import CliRunner

from sparseinst.cli.demo import command
from sparseinst.errors import ConfigError, SparseInstError, StackError
from sparseinst.export.contract import FRONT, fingerprint
from sparseinst.imaging.palette import colour
from sparseinst.imaging.write import encode_image
from sparseinst.serving import stack
from sparseinst.serving.client.front_door import FrontDoorClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.demo.choice import named, only_one
from sparseinst.serving.demo.endpoint import Endpoint
from sparseinst.serving.demo.server import DemoServer
from sparseinst.serving.refusals import NoServer
from sparseinst.serving.stack.ports import choose_port
from sparseinst.storage import Storage
from tests.browser import Visit
from tests.serving import tiny
from tests.serving.conftest import new_name, remove
from tests.serving.demo.looking import drop, pixel, png, rows, show
from tests.serving.demo.relay import relay
from tests.serving.demo.stub import serving
from tests.serving.front_door.door import publish, put_front_door

NASTY = "<b onclick='x'>bright</b>"
METADATA = tiny.METADATA | {"categories": [{"id": 1, "name": NASTY}, {"id": 5, "name": "dark"}]}

PICTURE = np.zeros((64, 96, 3), np.uint8)
PICTURE[:, :48] = 255


@pytest.fixture(scope="module")
def model(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a served model with a front door."""
    publish(models, tmp_path_factory.mktemp("export"), kept_name, metadata=METADATA)
    with Connection(environment.triton_url, timeout_s=60) as connection:
        connection.load(kept_name)
        connection.load(put_front_door(models, kept_name, [METADATA]))
    return kept_name


@pytest.fixture(scope="module")
def server(environment: stack.StackState, model: str) -> Iterator[DemoServer]:
    with named(f"grpc://{environment.triton_url}/{model}") as endpoint, serving(endpoint) as made:
        yield made


@pytest.mark.browser
def test_a_picture_goes_in_and_the_served_models_masks_appear(
    visit: Callable[..., Visit], server: DemoServer, environment: stack.StackState, model: str
) -> None:
    made = visit(server.url)
    page = made.page
    file = png(PICTURE)
    show(page, file)
    assert rows(page) == [f"{NASTY} 0.63", "dark 0.38"]
    tint = [[0.42 * part + 0.58 * level for part in colour(index)] for index, level in ((0, 255), (1, 0))]
    assert pixel(page, 0.05, 0.9) == pytest.approx(tint[0], abs=3)
    assert pixel(page, 0.95, 0.9) == pytest.approx(tint[1], abs=3)
    page.locator("#slider").fill("0.5")
    assert pixel(page, 0.95, 0.9) == [0, 0, 0]

    with FrontDoorClient(environment.triton_url, model) as client:
        expected = client.answer(file["buffer"], min_score=0.05)
    made.open_all()
    told = json.loads(page.locator("#json").inner_text())
    assert {**told, "timing_ms": None} == {**expected, "timing_ms": None}
    assert page.locator("#answered").inner_text() == model
    assert page.locator("#fingerprint").inner_text() == fingerprint(METADATA).hex()
    page.locator("#version", has_text="1").wait_for()
    assert made.complaints == []


@pytest.mark.browser
def test_a_broken_file_is_told_in_the_front_doors_words_and_a_dropped_picture_works_afterwards(
    visit: Callable[..., Visit], server: DemoServer
) -> None:
    made = visit(server.url)
    page = made.page
    page.locator("#input").set_input_files({"name": "b.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8broken"})
    page.locator("#problem").wait_for(state="visible")
    assert page.locator("#what").inner_text().startswith("The image cannot be decoded: ")
    assert page.locator("#fix").inner_text().startswith("Send a sound JPEG, PNG, ")
    drop(page, png(PICTURE))
    page.wait_for_selector('[data-state="answered"]')
    assert len(rows(page)) == 2
    assert not page.locator("#problem").is_visible()
    assert made.complaints == []


def test_a_server_that_comes_back_is_found_at_once(environment: stack.StackState, model: str) -> None:
    port = choose_port(())
    picture = encode_image(PICTURE, ".png")
    with Endpoint(f"127.0.0.1:{port}", model) as endpoint:
        for _ in range(2):
            with pytest.raises(NoServer):
                endpoint.ask(picture)
        with relay(port, environment.ports["grpc"]):
            assert len(endpoint.ask(picture)["annotations"]) == 2


def test_the_only_model_with_a_front_door_is_found_and_two_are_listed(
    environment: stack.StackState, models: Storage, model: str
) -> None:
    with only_one(environment.triton_url) as endpoint:
        assert endpoint.address == f"grpc://{environment.triton_url}/{model}"
        assert endpoint.describe() == {
            "fingerprint": fingerprint(METADATA).hex(),
            "checkpoint": "0" * 64,
            "classes": [NASTY, "dark"],
            "version": "1",
        }
    second = new_name()
    try:
        with Connection(environment.triton_url, timeout_s=60) as connection:
            connection.load(put_front_door(models, second, [METADATA]))
        with pytest.raises(ConfigError, match="Triton serves 2 models") as refusal:
            only_one(environment.triton_url)
        assert f"grpc://{environment.triton_url}/{second}" in refusal.value.details
    finally:
        remove(environment, models, second)


def test_a_model_that_is_not_there_or_has_no_front_door_is_told(
    environment: stack.StackState, models: Storage, model: str
) -> None:
    address = f"grpc://{environment.triton_url}"
    with pytest.raises(ConfigError, match="does not serve this model"):
        named(f"{address}/nobody")
    with pytest.raises(ConfigError, match="version in service"):
        named(f"{address}/{model}/1")
    with named(f"{address}/{model}{FRONT}") as endpoint:
        assert endpoint.model == model
    with Connection(environment.triton_url, timeout_s=60) as connection:
        connection.unload(model + FRONT)
        try:
            for find in (lambda: named(f"{address}/{model}"), lambda: only_one(environment.triton_url)):
                with pytest.raises(ConfigError, match="front door") as refusal:
                    find()
                assert "Deploy it again" in refusal.value.fix
        finally:
            connection.load(model + FRONT)


def test_the_command_serves_until_it_is_interrupted(environment: stack.StackState, model: str) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "sparseinst", "demo", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SPARSEINST_STACK_DIR": str(environment.root), "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert started.stdout is not None
        assert started.stdout.readline() == f"grpc://{environment.triton_url}/{model}\n"
        url = started.stdout.readline().removeprefix("page: ").split()[0]
        with urlopen(f"{url}about", timeout=10) as reply:
            assert json.load(reply)["serving"]["version"] == "1"
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=20)
    finally:
        with suppress(ProcessLookupError):
            started.kill()
    assert (started.returncode, said) == (0, "ended\n")


def test_the_command_says_what_it_lacks(
    environment: stack.StackState, model: str, server: DemoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"grpc://{environment.triton_url}/{model}"
    monkeypatch.setenv("SPARSEINST_STACK_DIR", str(tmp_path / "nowhere"))
    for arguments, kind, said in (
        ([], StackError, "There is no local stack."),
        (["--model", "grpc://127.0.0.1:1/m"], StackError, "No Triton server answers there."),
        (["--model", "somewhere"], ConfigError, "has another form"),
        (["--model", address, "--port", str(server.server_port)], StackError, "is taken by"),
        (["--model", address, "--samples", str(tmp_path)], ConfigError, "The folder has no pictures."),
    ):
        error = CliRunner().invoke(command, arguments).exception
        assert isinstance(error, kind) and isinstance(error, SparseInstError), arguments
        assert said in error.problem
        assert error.fix
