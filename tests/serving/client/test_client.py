"""The client against a real Triton: equal answers for any size and batch, and errors that help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import ConfigError, EvaluationError, StackError
from sparseinst.export.contract import OUTPUTS
from sparseinst.export.decode import decode_reply
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from tests.serving import tiny
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton


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


def test_requests_that_triton_batches_together_get_their_own_answers(server: OwnTriton, published: str):
    model = tiny.Tiny(1.0)

    def ask(seed: int) -> bool:
        images = tiny.random_images(1 + seed % 3, 32, 64 if seed % 2 else 32, seed=seed)
        with TritonClient(server.url, published) as client:
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


def test_an_unknown_model_or_version_is_told_with_what_is_served(server: OwnTriton, published: str):
    for model, version in (("nonsense", ""), (published, "7")):
        with TritonClient(server.url, model, version, key=server.key) as client:
            with pytest.raises(ConfigError, match=f"does not serve '{model}'") as unknown:
                _ = client.metadata
            assert f"it serves '{published}' version 1" in unknown.value.details


def test_a_model_without_metadata_is_told(server: OwnTriton):
    def forget(config: Path) -> None:
        parsed = text_format.Parse(config.read_text(), ModelConfig())
        del parsed.parameters["sparseinst"]
        config.write_text(text_format.MessageToString(parsed))

    name = server.publish("silent", change=forget)
    with TritonClient(server.url, name) as client, pytest.raises(EvaluationError, match="does not describe"):
        client.predict(pictures(1, 32, 32)[0])


def test_nobody_at_the_address():
    with TritonClient("127.0.0.1:1", "sparseinst", timeout_s=5) as client:
        with pytest.raises(StackError, match="No Triton server answers there") as nobody:
            client.infer(tiny.random_images(1, 32, 32))
        assert "stack up" in nobody.value.fix


@pytest.mark.parametrize(
    "url", ["127.0.0.1", "http://127.0.0.1:8001", "127.0.0.1:8001/m", ":8001", "127.0.0.1:99999", ""]
)
def test_an_address_of_another_form(url: str):
    with pytest.raises(ConfigError, match="another form"):
        TritonClient(url, "sparseinst")


def test_a_server_that_hangs_is_given_up_at_the_deadline(server: OwnTriton, published: str):
    triton = server.pid
    os.kill(triton, signal.SIGSTOP)
    try:
        client = TritonClient(server.url, published, timeout_s=0.5)
        with client, pytest.raises(StackError, match=r"did not answer within 0\.5 s"):
            client.infer(tiny.random_images(1, 32, 32))
    finally:
        os.kill(triton, signal.SIGCONT)


def test_clients_need_no_torch():
    modules = ["serving.client", "serving.rollout", "serving.stack", "serving.stack.status", "evaluation.predict"]
    imports = "; ".join(f"import sparseinst.{module}" for module in [*modules, "evaluation.predictors.triton"])
    check = f"import sys; {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_one_picture_gets_what_its_raw_answer_says(served: TritonClient):
    image = pictures(1, 90, 130)[0]
    found = served.predict(image)
    assert [category.name for category in found.categories] == ["bright", "dark"]
    assert found.masks.shape == (2, 90, 130) and found.masks.any()
    resized = resize_image(image, *target_size(90, 130, 64, 96))
    reply = served.infer(np.ascontiguousarray(resized.transpose(2, 0, 1))[None])
    (expected,) = decode_reply(reply, sent=resized.shape[:2], originals=[(90, 130)], mask_threshold=0.45)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.masks, expected.masks)
    assert found.best(1).categories == found.categories and len(found.best(1)) == 1
    assert [result["category_id"] for result in found.results(7)] == [1, 5]


def test_a_compact_answer_finds_the_same_objects(served: TritonClient):
    image = pictures(1, 90, 130)[0]
    full, compact = served.predict(image), served.predict(image, compact=True)
    np.testing.assert_array_equal(full.scores, compact.scores)
    assert (full.masks != compact.masks).mean() < 0.02


def test_what_is_no_picture_or_too_large_is_never_sent(served: TritonClient, monkeypatch: pytest.MonkeyPatch):
    _ = served.metadata
    monkeypatch.setattr(Connection, "ask", None)  # a request would fail otherwise
    for wrong in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(ConfigError, match=r"uint8 \[H, W, 3\]"):
            served.predict(wrong)
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000, 3))
    with pytest.raises(ConfigError, match="20000 x 20000 pixels; masks of its size would take all memory"):
        served.predict(huge)
    with pytest.raises(ConfigError, match="20000 x 20000 pixels, the model takes at most 4194304"):
        served.infer(huge.transpose(2, 0, 1)[None])


def test_a_closed_client_says_so(server: OwnTriton, published: str):
    client = TritonClient(server.url, published)
    client.close()
    with pytest.raises(StackError, match="connection was closed"):
        client.predict(pictures(1, 32, 32)[0])
