"""Through a real Triton: versions, candidates and front doors come and go while clients ask."""

from __future__ import annotations

from threading import Event, Thread
from time import sleep
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparseinst.errors import StackError
from sparseinst.export.contract import fingerprint
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.loading import load
from sparseinst.storage import Storage
from tests.serving import tiny
from tests.serving.front_door.counters import counters, wait_for
from tests.serving.front_door.door import RENAMED, ask, drawn, encoded, publish, put_front_door

PICTURE = encoded(drawn(48, 64))
OLD, NEW = fingerprint(tiny.METADATA).hex(), fingerprint(RENAMED).hex()
SERVICE = f"sparseinst_requests_total arm=service fingerprint={OLD} outcome=ok"


def half_bright() -> bytes:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32] = 255
    return encoded(Image.fromarray(pixels))


@pytest.fixture(scope="module")
def versions(connection: Connection, models: Storage, name: str, front: str, tmp_path_factory: Any) -> Storage:
    """The model repository, with a version 2 of the model whose categories have other names and ids."""
    export = tiny.write_export(tmp_path_factory.mktemp("new"), name, gain=0.5, metadata=RENAMED)
    models.copy_in(export / name / "1", f"{name}/2")
    return models


def put_into_service(connection: Connection, models: Storage, name: str, metadata: Any) -> None:
    """The version with these metadata; nothing is done where it serves already."""
    config = tiny.config(name, metadata, version=2 if metadata is RENAMED else 1).encode()
    if models.read_bytes(f"{name}/config.pbtxt") != config:
        models.write_bytes(f"{name}/config.pbtxt", config)
        load(connection, models, name)


def open_front_door(connection: Connection, models: Storage, name: str, *known: Any, canary: Any = None) -> str:
    front = put_front_door(models, name, known, canary)
    load(connection, models, front)  # the store's times are whole seconds: Triton may miss the second of two changes
    return front


def test_at_a_switch_no_answer_has_the_other_models_categories(
    environment: stack.StackState, connection: Connection, versions: Storage, name: str
):
    front = open_front_door(connection, versions, name, tiny.METADATA, RENAMED)
    picture, ended = half_bright(), Event()
    answers: list[dict[str, Any]] = []
    failures: list[Exception] = []

    def keep_asking() -> None:
        with Connection(environment.triton_url, timeout_s=60) as own:
            while not ended.is_set():
                try:
                    answers.append(ask(own, front, picture))
                except Exception as error:  # noqa: BLE001, looked at below
                    failures.append(error)
                sleep(0.02)  # some of the machine is left to what is loaded

    clients = [Thread(target=keep_asking) for _ in range(2)]
    for client in clients:
        client.start()
    for metadata in (RENAMED, tiny.METADATA):
        put_into_service(connection, versions, name, metadata)
    ended.set()
    for client in clients:
        client.join()
    assert not failures
    assert {answer["model"]["fingerprint"] for answer in answers} == {OLD, NEW}
    for answer in answers:
        metadata = tiny.METADATA if answer["model"]["fingerprint"] == OLD else RENAMED
        assert answer["categories"] == metadata["categories"]
        bright, dark = (category["id"] for category in metadata["categories"])
        assert {entry["category_id"]: entry["bbox"] for entry in answer["annotations"]} == {
            bright: [0, 0, 32, 64],
            dark: [32, 0, 32, 64],
        }


def test_an_answer_of_a_model_that_is_not_known_is_not_given(connection: Connection, versions: Storage, name: str):
    put_into_service(connection, versions, name, tiny.METADATA)
    front = open_front_door(connection, versions, name, RENAMED)
    with pytest.raises(StackError, match=f"does not know: {OLD}; it knows {NEW}"):
        ask(connection, front, PICTURE)
    open_front_door(connection, versions, name, RENAMED, tiny.METADATA)
    assert ask(connection, front, PICTURE)["model"]["fingerprint"] == OLD


def test_a_model_that_is_away_is_told_and_its_return_is_noticed(connection: Connection, versions: Storage, name: str):
    put_into_service(connection, versions, name, tiny.METADATA)
    front = open_front_door(connection, versions, name, tiny.METADATA)
    connection.unload(name)
    with pytest.raises(StackError, match=f"'{name}' does not answer"):
        ask(connection, front, PICTURE)
    connection.load(name)
    assert ask(connection, front, PICTURE)["annotations"]


def test_counters_outlive_a_new_front_door(
    environment: stack.StackState, connection: Connection, versions: Storage, name: str
):
    put_into_service(connection, versions, name, tiny.METADATA)
    front = open_front_door(connection, versions, name, tiny.METADATA)
    before = counters(environment, name)[SERVICE]
    for _ in range(6):
        ask(connection, front, PICTURE)
    wait_for(environment, name, SERVICE, before + 6)
    open_front_door(connection, versions, name, RENAMED, tiny.METADATA)
    for _ in range(4):
        ask(connection, front, PICTURE)
    found = wait_for(environment, name, SERVICE, before + 10)
    assert found[f"sparseinst_requests_total arm=service fingerprint={NEW} outcome=ok"] >= 0


@pytest.fixture(scope="module")
def candidate(
    connection: Connection, models: Storage, name: str, front: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A loaded candidate, as the front door's configuration names it."""
    candidate = f"{name}_candidate"
    publish(models, tmp_path_factory.mktemp("candidate"), candidate, gain=0.5, metadata=RENAMED)
    connection.load(candidate)
    return {"model": candidate, "metadata": RENAMED, "share": 0.2, "shadow": False}


def test_a_shadow_is_compared_and_never_answers(
    environment: stack.StackState, connection: Connection, versions: Storage, name: str, candidate: dict[str, Any]
):
    put_into_service(connection, versions, name, tiny.METADATA)
    shadow = candidate | {"share": 1.0, "shadow": True}
    front = open_front_door(connection, versions, name, tiny.METADATA, canary=shadow)
    asked = f"sparseinst_requests_total arm=shadow fingerprint={NEW} outcome=ok"
    for number in range(1, 4):
        assert ask(connection, front, half_bright())["model"]["name"] == name
        wait_for(environment, name, asked, number)  # only one may wait: a slow shadow misses pictures
    # "bright" has the id 1 in service and 5 in the shadow, "dark" 5 and 9: under the id 5 are two different halves.
    agreed = [f"sparseinst_agreement_total fingerprint={NEW} kind={kind}" for kind in ("same", "missed", "added")]
    wait_for(environment, name, agreed[1], 6)
    assert [counters(environment, name)[kind] for kind in agreed] == [0, 6, 6]


def test_a_candidate_gets_its_share_and_its_failures_are_made_good(
    environment: stack.StackState, connection: Connection, versions: Storage, name: str, candidate: dict[str, Any]
):
    put_into_service(connection, versions, name, tiny.METADATA)
    service = open_front_door(connection, versions, name, tiny.METADATA, canary=candidate)
    names = [ask(connection, service, PICTURE)["model"]["name"] for _ in range(40)]
    assert names.count(candidate["model"]) == 8
    assert set(names) == {name, candidate["model"]}
    wait_for(environment, name, f"sparseinst_requests_total arm=canary fingerprint={NEW} outcome=ok", 8)
    connection.unload(candidate["model"])
    assert {ask(connection, service, PICTURE)["model"]["name"] for _ in range(20)} == {name}
    wait_for(environment, name, "sparseinst_requests_total arm=canary fingerprint= outcome=failed", 4)
