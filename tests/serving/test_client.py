"""The client against a real Triton: equal answers for any size and batch, and errors that help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.errors import ConfigError, EvaluationError, StackError
from sparseinst.export.contract import OUTPUTS
from sparseinst.serving import stack
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.storage import Storage
from tests.serving import tiny


@pytest.fixture(scope="module")
def published(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a served model."""
    models.copy_in(tiny.write_export(tmp_path_factory.mktemp("export"), kept_name) / kept_name, kept_name)
    with Connection(environment.triton_url, timeout_s=60) as connection:
        connection.load(kept_name)
    return kept_name


@pytest.fixture
def served(servers: stack.StackState, published: str) -> Iterator[TritonClient]:
    with TritonClient(servers.triton_url, published) as client:
        yield client


def test_served_equals_in_process_for_mixed_sizes_and_batches(served: TritonClient):
    model = tiny.Tiny(1.0)
    for batch in (1, 4, 8):
        for height, width in ((64, 64), (35, 71), (300, 211), (1, 1)):
            images = tiny.random_images(batch, height, width, seed=batch)
            answer = served.infer(images, [spec.name for spec in OUTPUTS])
            expected = model(torch.from_numpy(images))
            for spec, tensor in zip(OUTPUTS, expected, strict=True):
                assert answer[spec.name].dtype == tensor.numpy().dtype
                np.testing.assert_array_equal(answer[spec.name], tensor.numpy())


def test_requests_that_triton_batches_together_get_their_own_answers(servers: stack.StackState, published: str):
    model = tiny.Tiny(1.0)

    def ask(seed: int) -> bool:
        images = tiny.random_images(1 + seed % 3, 32, 64 if seed % 2 else 32, seed=seed)
        with TritonClient(servers.triton_url, published) as client:
            return bool(
                (client.infer(images, ["scores"])["scores"] == model(torch.from_numpy(images))[0].numpy()).all()
            )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(48)))


def test_only_the_outputs_that_were_asked_for_come_back(served: TritonClient):
    assert list(served.infer(tiny.random_images(1, 32, 32), ["scores"])) == ["scores"]


def test_the_metadata_is_what_the_export_wrote(served: TritonClient):
    assert served.metadata == tiny.METADATA


def test_images_of_another_form_are_refused_before_they_are_sent(served: TritonClient):
    for images in (np.zeros((3, 8, 8), np.uint8), np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 3, 8, 8))):
        with pytest.raises(ConfigError, match=r"takes uint8 \[B, 3, H, W\]"):
            served.infer(images)


def test_a_batch_larger_than_the_model_takes_is_refused_with_tritons_reason(served: TritonClient):
    with pytest.raises(ConfigError, match="batch-size must be <= 8"):
        served.infer(tiny.random_images(9, 32, 32))


def test_an_unknown_model_or_version_is_told_with_what_is_served(servers: stack.StackState, published: str):
    for model, version in (("nonsense", ""), (published, "7")):
        with TritonClient(servers.triton_url, model, version) as client:
            with pytest.raises(ConfigError, match=f"does not serve '{model}'") as unknown:
                _ = client.metadata
            assert f"it serves '{published}' version 1" in unknown.value.details


def test_a_model_without_metadata_is_told(servers: stack.StackState, models: Storage, name: str, tmp_path: Path):
    export = tiny.write_export(tmp_path / "export", name)
    config = export / name / "config.pbtxt"
    config.write_text("\n".join(line for line in config.read_text().splitlines() if '"sparseinst"' not in line))
    models.copy_in(export / name, name)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
    with TritonClient(servers.triton_url, name) as client, pytest.raises(EvaluationError, match="does not describe"):
        _ = client.metadata


def test_nobody_at_the_address():
    with TritonClient("127.0.0.1:1", "sparseinst", timeout_s=5) as client:
        with pytest.raises(StackError, match="No Triton server answers there") as nobody:
            client.infer(tiny.random_images(1, 32, 32))
        assert "stack up" in nobody.value.fix


@pytest.mark.parametrize("url", ["127.0.0.1", "grpc://127.0.0.1:8001", "127.0.0.1:8001/m", ":8001", ""])
def test_an_address_of_another_form(url: str):
    with pytest.raises(ConfigError, match="another form"):
        TritonClient(url, "sparseinst")


def test_a_server_that_hangs_is_given_up_at_the_deadline(servers: stack.StackState, published: str):
    triton = servers.processes["triton"].pid
    os.kill(triton, signal.SIGSTOP)
    try:
        client = TritonClient(servers.triton_url, published, timeout_s=0.5)
        with client, pytest.raises(StackError, match=r"did not answer within 0\.5 s"):
            client.infer(tiny.random_images(1, 32, 32))
    finally:
        os.kill(triton, signal.SIGCONT)


def test_serving_needs_no_torch():
    modules = ["client", "rollout", "stack", "stack.status"]
    imports = "; ".join(f"import sparseinst.serving.{module}" for module in modules)
    check = f"import sys; {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
