"""A busy model is no dead model: while the canary waits, what the others get counts."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from sparseinst.errors import SparseInstError
from sparseinst.export.contract import FRONT
from sparseinst.export.front_door import write_front_door
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack import canary
from sparseinst.serving.stack.stubs import stubs
from sparseinst.storage import Storage
from tests.serving import slow, tiny
from tests.serving.load import waiting_requests


def load(servers: stack.StackState, name: str) -> None:
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)


# The canary waits behind the others, or there is no room for it.
@pytest.mark.parametrize("batching", ["dynamic_batching { }", slow.FULL_QUEUE])
def test_a_model_that_answers_others_is_alive(servers: stack.StackState, models: Storage, name: str, batching: str):
    slow.write_export(models, name, answer_s=0.3, batching=batching)
    load(servers, name)
    with waiting_requests(servers, name, 60):
        assert canary.problem(servers, name, limit_s=1.0) == ""


def test_where_a_model_has_levels_the_canary_goes_first(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, answer_s=0.2, batching=slow.LEVELS)
    load(servers, name)
    with waiting_requests(servers, name, 60), Connection(servers.triton_url, timeout_s=10) as connection:
        before = connection.successes(name)
        assert canary.problem(servers, name, limit_s=60) == ""
        assert connection.successes(name) - before < 30


def test_a_model_that_is_silent_and_does_nothing_is_dead(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, answer_s=3.0)
    load(servers, name)
    assert canary.problem(servers, name, limit_s=1.0) == "answers nobody since 1 s: it is silent"


def test_a_model_that_computes_for_long_is_alive(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, answer_s=4.0, computes=True)
    load(servers, name)
    assert canary.problem(servers, name, limit_s=3.0) == ""


def test_a_model_with_another_contract_is_only_asked_whether_it_is_ready(
    servers: stack.StackState, models: Storage, name: str
):
    slow.write_export(models, name, tensor="sound")
    load(servers, name)
    assert canary.problem(servers, name) == ""


def test_one_dead_process_of_several_is_noticed(servers: stack.StackState, models: Storage, name: str):
    slow.write_export(models, name, instances=2)
    load(servers, name)
    assert canary.problem(servers, name) == ""
    first, second = stubs(servers.processes["triton"], name)
    first.kill()
    while stubs(servers.processes["triton"], name) != [second]:
        time.sleep(0.01)
    assert canary.problem(servers, name) == "1 of its 2 processes have died, or are stopped"


def test_the_front_door_is_asked_without_being_counted(
    servers: stack.StackState, models: Storage, name: str, tmp_path: Path
):
    export = tiny.write_export(tmp_path / "export", name)
    write_front_door(export, name, tiny.METADATA)
    front = f"{name}{FRONT}"
    for folder in (name, front):
        models.copy_in(export / folder, folder)
    try:
        for folder in (name, front):
            load(servers, folder)
        assert canary.problem(servers, front) == ""
        counted = requests.get(f"http://127.0.0.1:{servers.ports['metrics']}/metrics", timeout=10).text
        assert 'outcome="client_error"' not in counted or 'outcome="client_error"} 1' not in counted
        for stub in stubs(servers.processes["triton"], front):
            stub.kill()
        assert canary.problem(servers, front) != ""
    finally:
        models.delete_prefix(front)
        with suppress(SparseInstError), Connection(servers.triton_url, timeout_s=10) as connection:
            connection.unload(front)
