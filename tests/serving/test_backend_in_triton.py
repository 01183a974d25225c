"""Inside the real server, our PyTorch backend gives the client the reason why a model is refused or fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparseinst.errors import ConfigError, StackError
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.storage import Storage
from tests.serving import tiny


class Doubles(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image[:, :1].to(torch.float64)


class Named(nn.Module):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"scores": image.float()}


def publish(models: Storage, name: str, folder: Path, module: nn.Module, tensor: str = "image") -> None:
    tiny.save(module, folder / "1" / "model.pt")
    (folder / "config.pbtxt").write_text(
        f"""name: "{name}"
backend: "pytorch"
platform: "pytorch_libtorch"
max_batch_size: 2
input [ {{ name: "{tensor}", data_type: TYPE_UINT8, dims: [ 3 ] }} ]
output [ {{ name: "scores", data_type: TYPE_FP32, dims: [ -1 ] }} ]
"""
    )
    models.copy_in(folder, name)


def test_an_input_of_another_name_does_not_load(servers: stack.StackState, models: Storage, name: str, tmp_path: Path):
    publish(models, name, tmp_path / "model", Named(), tensor="sound")
    with Connection(servers.triton_url, timeout_s=60) as connection:
        with pytest.raises(ConfigError, match=r"\['sound'\] are neither forward's arguments \['image'\]"):
            connection.load(name)
        assert not connection.is_ready(name)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Doubles(), "'scores' is torch.float64, the config says torch.float32"),
        (Named(), "'scores' is a dict, not a tensor"),
    ],
)
def test_an_output_that_is_not_as_configured_fails(
    servers: stack.StackState, models: Storage, name: str, tmp_path: Path, module: nn.Module, reason: str
):
    publish(models, name, tmp_path / "model", module)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)
        with pytest.raises(StackError, match=reason):
            connection.infer(name, "", {"image": np.zeros((1, 3), np.uint8)}, ["scores"])
