"""The server's image: a picture goes through the front door in it, in the Python of its base and without torch.

Where NVIDIA's image is not here, a stand-in is the base (triton_base/Dockerfile). That shows what our layer adds, and
that it runs for any user on a read-only root under a Python that is not ours; it does not show that NVIDIA's libtorch
loads an export.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.export.contract import FULL_REPLY, INPUT, OUTPUTS, fingerprint
from sparseinst.export.front_door import write_front_door
from sparseinst.serving.client.front_door import FrontDoorClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack.ports import choose_port
from tests.serving import tiny

_METADATA = tiny.METADATA | {"categories": [{"id": 7, "name": "picture"}], "instances": 1}


def repository(folder: Path) -> Path:
    """A model repository with a model that needs no torch, and its front door."""
    outputs = ",\n".join(
        f'  {{ name: "{spec.name}", data_type: {spec.triton_dtype}, dims: {list(spec.shape(1))} }}'
        for spec in OUTPUTS
        if spec.name in FULL_REPLY
    )
    config = f"""backend: "python"
max_batch_size: 1
input [ {{ name: "{INPUT.name}", data_type: {INPUT.triton_dtype}, dims: {list(INPUT.dims)} }} ]
output [
{outputs}
]
instance_group [ {{ kind: KIND_CPU, count: 1 }} ]
parameters {{ key: "fingerprint", value: {{ string_value: "{fingerprint(_METADATA).hex()}" }} }}
"""
    (folder / "bright" / "1").mkdir(parents=True)
    (folder / "bright" / "config.pbtxt").write_text(config)
    shutil.copyfile(Path(__file__).with_name("bright.py"), folder / "bright" / "1" / "model.py")
    write_front_door(folder, "bright", _METADATA)
    return folder


@pytest.fixture(scope="module")
def served(docker: Any, triton: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server in a container of the image."""
    models = repository(tmp_path_factory.mktemp("models"))
    for path in (models, *models.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in (models.parent, models.parent.parent):
        path.chmod(path.stat().st_mode | 0o055)
    ports: list[int] = []
    for _ in range(3):
        ports.append(choose_port(ports))
    options = [f"--{name}-port={port}" for name, port in zip(("http", "grpc", "metrics"), ports, strict=True)]
    container = docker.containers.run(
        triton.id,
        ["tritonserver", "--model-repository=/models", "--disable-auto-complete-config", *options],
        name=f"sparseinst-test-{secrets.token_hex(4)}",
        detach=True,
        user="54321:0",
        read_only=True,
        tmpfs={"/tmp": ""},
        shm_size="256m",
        cap_drop=["ALL"],
        network_mode="host",
        volumes={str(models): {"bind": "/models", "mode": "ro"}},
    )
    try:
        address = f"127.0.0.1:{ports[1]}"
        _wait(address, container)
        yield address
    finally:
        container.remove(force=True)


def _wait(address: str, container: Any) -> None:
    for _ in range(120):
        container.reload()
        assert container.status == "running", container.logs().decode()[-3000:]
        try:
            with Connection(address, timeout_s=5) as connection:
                if connection.is_ready("bright_front"):
                    return
        except SparseInstError:
            pass
        time.sleep(0.5)
    raise AssertionError(container.logs().decode()[-3000:])


def picture(grey: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (130, 90), (grey, grey, grey)).save(stream, "PNG")
    return stream.getvalue()


def test_a_picture_becomes_an_answer(served: str):
    with FrontDoorClient(served, "bright") as client:
        answer = client.answer(picture(255))
    assert answer["images"] == [{"id": 1, "width": 130, "height": 90}]
    (found,) = answer["annotations"]
    assert (found["category_id"], found["area"], found["score"]) == (7, 130 * 90, 1.0)
    assert answer["model"]["checkpoint_sha256"] == _METADATA["checkpoint_sha256"]


def test_what_is_no_picture_is_refused_with_a_reason_and_the_next_one_is_answered(served: str):
    with FrontDoorClient(served, "bright") as client:
        with pytest.raises(ConfigError, match="picture"):
            client.answer(b"hello")
        assert client.answer(picture(0))["annotations"][0]["score"] == 0.5


def test_there_is_no_torch_in_the_layer_that_is_added(docker: Any, triton: Any):
    listed = docker.containers.run(triton.id, ["ls", "/opt/front-door"], remove=True, network_mode="none").decode()
    names = set(listed.split())
    assert {"cv2", "numpy", "hotcoco", "sparseinst"} <= names
    assert not [name for name in names if name.startswith(("torch", "nvidia"))]
