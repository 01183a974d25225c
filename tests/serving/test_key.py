"""Who loads a model runs code in the server: that wants the key, and inference does not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import requests

from sparseinst.cli.place import find_place
from sparseinst.errors import ConfigError
from sparseinst.serving import stack
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.key import KEY_HEADER
from sparseinst.serving.stack.environment import server_environment
from sparseinst.storage import Storage
from tests.serving import tiny


@pytest.fixture(scope="module")
def served(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    models.copy_in(tiny.write_export(tmp_path_factory.mktemp("export"), kept_name) / kept_name, kept_name)
    with Connection(environment.triton_url, timeout_s=60) as connection:
        connection.load(kept_name)
    return kept_name


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_the_key_nothing_is_loaded_or_unloaded_and_the_error_names_the_variable(
    servers: stack.StackState, served: str, key: str
):
    with Connection(servers.triton_url, timeout_s=10, key=key) as connection:
        for call in (lambda: connection.load(served), lambda: connection.unload(served), connection.models):
            with pytest.raises(ConfigError, match="key") as refused:
                call()
            assert "SPARSEINST_TRITON_KEY" in refused.value.fix
        assert connection.is_ready(served)


def test_without_the_key_inference_works(servers: stack.StackState, served: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SPARSEINST_TRITON_KEY")
    with TritonClient(servers.triton_url, served) as client:
        assert client.metadata["model"] == "tiny"
        assert client.infer(tiny.random_images(1, 32, 32), ["scores"])["scores"].shape == (1, 3)
    with TritonClient(servers.triton_url, "nothing") as client, pytest.raises(ConfigError, match="does not serve"):
        _ = client.metadata


@pytest.mark.parametrize(
    "path", ["repository/index", "repository/models/{}/load", "repository/models/{}/unload", "logging", "trace/setting"]
)
def test_over_http_the_same_is_restricted(servers: stack.StackState, served: str, path: str):
    url = f"http://127.0.0.1:{servers.ports['http']}/v2/{path.format(served)}"
    for headers in ({}, {KEY_HEADER: "wrong"}):
        refused = requests.post(url, headers=headers, data="{}", timeout=10)
        assert (refused.status_code, "restricted" in refused.text) == (403, True)
    with Connection(servers.triton_url, timeout_s=10) as connection:
        assert connection.is_ready(served)


def test_over_http_with_the_key_a_model_is_loaded(servers: stack.StackState, served: str):
    url = f"http://127.0.0.1:{servers.ports['http']}/v2/repository/models/{served}/load"
    assert requests.post(url, headers={KEY_HEADER: servers.triton_key}, timeout=60).status_code == 200


def test_a_state_file_from_before_there_were_keys_is_read_and_gets_one(tmp_path: Path):
    state = stack.StackState(root=tmp_path, ports={"s3": 1, "grpc": 2})
    state.write()
    content = json.loads((tmp_path / "stack.json").read_text())
    del content["triton_key"]
    (tmp_path / "stack.json").write_text(json.dumps(content))
    assert stack.read_state(tmp_path).triton_key
    assert stack.read_state(tmp_path).access_key == state.access_key


def test_the_servers_do_not_get_the_key_into_their_environment(servers: stack.StackState):
    assert servers.triton_key not in server_environment(servers).values()


def test_a_rollout_to_the_local_stack_takes_its_key_also_where_its_address_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    state = stack.StackState(root=tmp_path, ports={"s3": 1, "grpc": 2})
    state.write()
    monkeypatch.setenv("SPARSEINST_STACK_DIR", str(tmp_path))
    monkeypatch.setenv("SPARSEINST_TRITON_KEY", "another server's")
    assert find_place("models", "triton.example:2") == ("models", "triton.example:2")
    assert os.environ["SPARSEINST_TRITON_KEY"] == "another server's"
    assert find_place("models", "localhost:2") == ("models", "localhost:2")
    assert os.environ["SPARSEINST_TRITON_KEY"] == state.triton_key
    (tmp_path / "stack.json").write_text("{")
    assert find_place("models", "127.0.0.1:2") == ("models", "127.0.0.1:2")
